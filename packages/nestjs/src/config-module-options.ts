import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AnyConfig, RegisteredConfig } from '@smooai/config';
import type { ConfigClient, ConfigClientOptions } from '@smooai/config/server';
import type { ContextFactory } from './context-resolver.ts';

interface SharedOptions<Config extends AnyConfig> {
  /** Returns the evaluation context of a call; called once per request, on first use. Default: the empty context. */
  context?: ContextFactory<Config>;
  /** Longest wait for the first values, in milliseconds. Default: that of the client's `ready()`. */
  readyTimeoutMs?: number;
}

/** The module creates a client with these settings and closes it with the application. */
export type ConfigModuleClientSettings<Config extends AnyConfig = RegisteredConfig> = SharedOptions<Config> &
  ConfigClientOptions<Config>;

/** The module uses an existing client, such as a test client, and never closes it. */
export interface ConfigModuleClient<Config extends AnyConfig = RegisteredConfig>
  extends SharedOptions<Config> {
  client: ConfigClient<Config>;
}

/** Options of the module: either a schema and client settings, or a client. */
export type ConfigModuleOptions<Config extends AnyConfig = RegisteredConfig> =
  | ConfigModuleClientSettings<Config>
  | ConfigModuleClient<Config>;

export interface ConfigModuleRegistration {
  /** Whether every module can inject the client without importing this one; default true. */
  global?: boolean;
}

/** Creates the options, for `useClass` and `useExisting`. */
export interface ConfigOptionsFactory<Config extends AnyConfig = RegisteredConfig> {
  createConfigOptions(): ConfigModuleOptions<Config> | Promise<ConfigModuleOptions<Config>>;
}

/** Options that Nest's injector creates: give exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface ConfigModuleAsyncOptions<Config extends AnyConfig = RegisteredConfig>
  extends ConfigModuleRegistration,
    Pick<ModuleMetadata, 'imports'> {
  useFactory?: (
    ...dependencies: never[]
  ) => ConfigModuleOptions<Config> | Promise<ConfigModuleOptions<Config>>;
  /** The providers that `useFactory` is called with. */
  inject?: NonNullable<FactoryProvider['inject']>;
  useClass?: Type<ConfigOptionsFactory<Config>>;
  useExisting?: Type<ConfigOptionsFactory<Config>> | string | symbol;
}
