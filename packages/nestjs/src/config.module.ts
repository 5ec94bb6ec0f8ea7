import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { type AnyConfig, OptionsError } from '@smooai/config';
import { type ConfigClient, createConfigClient } from '@smooai/config/server';
import type {
  ConfigModuleAsyncOptions,
  ConfigModuleOptions,
  ConfigModuleRegistration,
  ConfigOptionsFactory,
} from './config-module-options.ts';
import { ContextResolver } from './context-resolver.ts';
import { CONFIG_CLIENT, CONFIG_OPTIONS, CONTEXT_RESOLVER } from './tokens.ts';

/** Clients that a module created and must close. A client that was passed in, or overridden in a test, is not among them. */
const ownClients = new WeakSet<object>();

/**
 * Provides the config client for injection. The application starts when every required value exists, and otherwise fails
 * with a list of the missing ones. The client closes after the last request of a shutdown.
 *
 * @example
 * @Module({ imports: [ConfigModule.forRoot({ config, context: (call) => contextOf(call.switchToHttp().getRequest()) })] })
 * class AppModule {}
 */
@Module({})
export class ConfigModule implements OnApplicationShutdown {
  readonly #client: ConfigClient<AnyConfig>;

  constructor(@Inject(CONFIG_CLIENT) client: ConfigClient<AnyConfig>) {
    this.#client = client;
  }

  /** Registers the module with a schema and client settings, or with a client. */
  static forRoot<Config extends AnyConfig>(
    options: ConfigModuleOptions<Config> & ConfigModuleRegistration,
  ): DynamicModule {
    const { global = true, ...moduleOptions } = options;
    return dynamicModule({ global, providers: [{ provide: CONFIG_OPTIONS, useValue: moduleOptions }] });
  }

  /**
   * Registers the module with options that Nest's injector creates.
   *
   * @throws {OptionsError} unless exactly one is given of `useFactory`, `useClass` and `useExisting`.
   */
  static forRootAsync<Config extends AnyConfig>(options: ConfigModuleAsyncOptions<Config>): DynamicModule {
    const { global = true, imports = [] } = options;
    return dynamicModule({ global, imports, providers: optionProviders(options) });
  }

  async onApplicationShutdown(): Promise<void> {
    if (ownClients.delete(this.#client)) await this.#client.close();
  }
}

function dynamicModule(definition: {
  global: boolean;
  imports?: NonNullable<DynamicModule['imports']>;
  providers: Provider[];
}): DynamicModule {
  return {
    module: ConfigModule,
    global: definition.global,
    imports: definition.imports ?? [],
    providers: [
      ...definition.providers,
      { provide: CONFIG_CLIENT, useFactory: startClient, inject: [CONFIG_OPTIONS] },
      {
        provide: CONTEXT_RESOLVER,
        useFactory: (options: ConfigModuleOptions<AnyConfig>) => new ContextResolver(options.context),
        inject: [CONFIG_OPTIONS],
      },
    ],
    exports: [CONFIG_CLIENT, CONTEXT_RESOLVER],
  };
}

/** Waits for the values in the provider itself, so that other providers can read them in their constructors. */
async function startClient(options: ConfigModuleOptions<AnyConfig>): Promise<ConfigClient<AnyConfig>> {
  const { context: _, readyTimeoutMs, ...rest } = options;
  const wait = readyTimeoutMs === undefined ? {} : { timeoutMs: readyTimeoutMs };
  if ('client' in rest) return rest.client.ready(wait);
  const client = createConfigClient(rest);
  ownClients.add(client);
  try {
    return await client.ready(wait);
  } catch (error) {
    await client.close();
    throw error;
  }
}

function optionProviders<Config extends AnyConfig>(options: ConfigModuleAsyncOptions<Config>): Provider[] {
  const { useFactory, inject = [], useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((option) => option !== undefined).length !== 1) {
    throw new OptionsError(
      'useFactory',
      'ConfigModule.forRootAsync: pass exactly one of "useFactory", "useClass" and "useExisting".',
    );
  }
  if (useFactory !== undefined) {
    return [{ provide: CONFIG_OPTIONS, useFactory: useFactory as (...args: unknown[]) => unknown, inject }];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) return [];
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: CONFIG_OPTIONS,
      useFactory: (provider: ConfigOptionsFactory<Config>) => provider.createConfigOptions(),
      inject: [factory],
    },
  ];
}
