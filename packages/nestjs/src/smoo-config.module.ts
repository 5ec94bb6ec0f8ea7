import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { AnyConfig } from '@smooai/config';
import type { ApplicationScope } from './application-scope.ts';
import { subscribeListeners } from './change-listeners.ts';
import { checkRegistration } from './check-options.ts';
import { closeOwnClient } from './config-client.ts';
import type { ConfigInstance } from './config-instance.ts';
import { asyncOptions, dynamicModule } from './dynamic-module.ts';
import type {
  SmooConfigAsyncOptions,
  SmooConfigOptions,
  SmooConfigRegistration,
} from './smoo-config-options.ts';
import { checkHosts } from './start-checks.ts';
import { DEFAULT_NAME, MODULE_INSTANCE, optionsToken, SCOPE } from './tokens.ts';

/**
 * Provides typed configuration for injection. The application starts when every required value exists, and otherwise fails
 * with a list of the missing ones. The client closes after the last request of a shutdown.
 *
 * @example
 * @Module({ imports: [SmooConfigModule.forRoot({ config, context: (call) => ({ userId: requestOf(call).user?.id }) })] })
 * class AppModule {}
 */
@Module({})
export class SmooConfigModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  // Not #private: NestFactory can wrap instances in a proxy.
  private readonly instance: ConfigInstance;
  private readonly scope: ApplicationScope;
  private unsubscribe: (() => void) | undefined;

  constructor(@Inject(MODULE_INSTANCE) instance: ConfigInstance, @Inject(SCOPE) scope: ApplicationScope) {
    this.instance = instance;
    this.scope = scope;
  }

  /**
   * Registers the module with a schema and client settings, or with a client.
   *
   * @throws {OptionsError} for a `name` that is not a non-empty string.
   */
  static forRoot<Config extends AnyConfig>(
    options: SmooConfigOptions<Config> & SmooConfigRegistration,
  ): DynamicModule {
    checkRegistration('forRoot', options);
    const { name = DEFAULT_NAME, global = true, ...useValue } = options;
    const provider = { provide: optionsToken(name), useValue };
    return dynamicModule({ module: SmooConfigModule, name, global, providers: [provider] });
  }

  /**
   * Registers the module with options that Nest's injector creates.
   *
   * @throws {OptionsError} unless exactly one is given of `useFactory`, `useClass` and `useExisting`.
   */
  static forRootAsync<Config extends AnyConfig>(options: SmooConfigAsyncOptions<Config>): DynamicModule {
    checkRegistration('forRootAsync', options);
    const { name = DEFAULT_NAME, global = true, imports = [] } = options;
    const providers = asyncOptions(optionsToken(name), options);
    return dynamicModule({ module: SmooConfigModule, name, global, imports, providers });
  }

  /** Checks the decorators of the application; a mistake ends the start. */
  async onModuleInit(): Promise<void> {
    try {
      checkHosts(this.scope);
      this.unsubscribe = subscribeListeners(this.scope, this.instance);
    } catch (error) {
      await closeOwnClient(this.instance.client);
      throw error;
    }
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
  }

  async onApplicationShutdown(): Promise<void> {
    this.scope.close();
    await closeOwnClient(this.instance.client);
  }
}
