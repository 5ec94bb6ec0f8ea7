import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { ApplicationConfig, ExternalContextCreator, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { type AnyConfig, OptionsError } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { scopeOf } from './application.ts';
import { startClient, type TestValuesSource } from './config-client.ts';
import { type ConfigInstance, tracedContext } from './config-instance.ts';
import { limitedContext } from './context-limit.ts';
import type { Injection } from './handler-metadata.ts';
import { SmooConfigHealthIndicator } from './health-indicator.ts';
import { requestedValues } from './inject.decorators.ts';
import { LiveValue } from './live-value.ts';
import type { Registration } from './registrations.ts';
import { SmooConfigService } from './smoo-config.service.ts';
import type {
  SmooConfigAsyncOptions,
  SmooConfigOptions,
  SmooConfigOptionsFactory,
} from './smoo-config-options.ts';
import {
  DEFAULT_NAME,
  getConfigClientToken,
  getConfigServiceToken,
  instanceToken,
  MODULE_INSTANCE,
  optionsToken,
  REGISTRATION,
  SCOPE,
  testValuesToken,
} from './tokens.ts';

let registrations = 0;

interface ModuleDefinition {
  module: Type<unknown>;
  name: string;
  global: boolean;
  imports?: NonNullable<DynamicModule['imports']>;
  providers: Provider[];
}

/** The module of one registration. */
export function dynamicModule({
  module,
  name,
  global,
  imports = [],
  providers,
}: ModuleDefinition): DynamicModule {
  registrations += 1;
  const registration: Registration = { id: registrations, name, global };
  const shared = sharedProviders(name);
  const values = (): Provider[] => requestedValues(name).map(([token, value]) => valueProvider(token, value));
  return {
    module,
    global,
    imports,
    // Read when the application starts: by then the classes have said which values they inject.
    get providers() {
      const own = [{ provide: REGISTRATION, useValue: registration }, ...instanceProviders(name)];
      return [...providers, ...own, ...shared, ...values()];
    },
    get exports() {
      return [...shared, ...values()].map((provider) =>
        'provide' in provider ? provider.provide : provider,
      );
    },
  };
}

/** Providers that only the module itself uses. */
function instanceProviders(name: string): Provider[] {
  return [{ provide: MODULE_INSTANCE, useExisting: instanceToken(name) }];
}

function sharedProviders(name: string): Provider[] {
  const isDefault = name === DEFAULT_NAME;
  const instance = instanceToken(name);
  return [
    {
      provide: SCOPE,
      useFactory: (
        modules: ModulesContainer,
        adapterHost: HttpAdapterHost,
        applicationConfig: ApplicationConfig,
        externalCreator: ExternalContextCreator,
      ) => scopeOf({ modules, adapterHost, applicationConfig, externalCreator }),
      inject: [ModulesContainer, HttpAdapterHost, ApplicationConfig, ExternalContextCreator],
    },
    {
      provide: getConfigClientToken(name),
      // The scope comes first: what is wrong with the registrations needs no server.
      useFactory: (options: SmooConfigOptions<AnyConfig>, _scope: unknown, modules: ModulesContainer) =>
        startClient(options, testValuesIn(modules, name)),
      inject: [optionsToken(name), SCOPE, ModulesContainer],
    },
    {
      provide: instance,
      useFactory: (
        options: SmooConfigOptions<AnyConfig>,
        client: ConfigClient<AnyConfig>,
      ): ConfigInstance => {
        const { context, contextTimeoutMs: timeoutMs, telemetry } = options;
        if (context === undefined) return { name, client, context };
        const limited = limitedContext(context, { name, timeoutMs });
        const tracer = telemetry?.tracer;
        return { name, client, context: tracer ? tracedContext(limited, tracer) : limited };
      },
      inject: [optionsToken(name), getConfigClientToken(name)],
    },
    {
      provide: isDefault ? SmooConfigService : getConfigServiceToken(name),
      useFactory: (value: ConfigInstance) => new SmooConfigService(value),
      inject: [instance],
    },
    ...(isDefault
      ? [
          {
            provide: SmooConfigHealthIndicator,
            useFactory: ({ client }: ConfigInstance) => new SmooConfigHealthIndicator(client),
            inject: [instance],
          },
        ]
      : []),
  ];
}

/** A key that the schema does not have is reported by the checks at the start, with the class that asks for it. */
function valueProvider(provide: symbol, { name, tier, key, plain }: Injection): Provider {
  return {
    provide,
    useFactory: ({ client }: ConfigInstance) => {
      if (!plain) return new LiveValue(client, { tier, key });
      return client.config.keys.get(key)?.tier === tier ? client[tier](key) : undefined;
    },
    inject: [instanceToken(name)],
  };
}

function testValuesIn(modules: ModulesContainer, name: string): TestValuesSource | undefined {
  for (const module of modules.values()) {
    const provider = module.providers.get(testValuesToken(name));
    if (provider !== undefined) return provider.instance as TestValuesSource;
  }
  return undefined;
}

/** @throws {OptionsError} unless exactly one is given of `useFactory`, `useClass` and `useExisting`. */
export function asyncOptions<Config extends AnyConfig>(
  provide: symbol,
  options: SmooConfigAsyncOptions<Config>,
): Provider[] {
  const { useFactory, inject = [], useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((option) => option !== undefined).length !== 1) {
    throw new OptionsError(
      'useFactory',
      'SmooConfigModule.forRootAsync: pass exactly one of "useFactory", "useClass" and "useExisting".',
    );
  }
  if (useFactory !== undefined) {
    return [{ provide, useFactory: useFactory as (...args: unknown[]) => unknown, inject }];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) return [];
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide,
      useFactory: (provider: Partial<SmooConfigOptionsFactory<Config>> | null) => {
        if (typeof provider?.createConfigOptions === 'function') return provider.createConfigOptions();
        throw new OptionsError(
          useClass === undefined ? 'useExisting' : 'useClass',
          'SmooConfigModule.forRootAsync: the class must have a method createConfigOptions(), which returns the options.',
        );
      },
      inject: [factory],
    },
  ];
}
