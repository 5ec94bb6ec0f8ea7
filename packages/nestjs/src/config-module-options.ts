import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AnyConfig, RegisteredConfig } from '@smooai/config';
import type { ConfigClient, ConfigClientOptions } from '@smooai/config/server';
import type { ContextFactory } from './context-resolver.ts';

interface SharedOptions<Config extends AnyConfig> {
  /** Who a call is evaluated for; default the empty context. Computed once per request, at its first use. */
  context?: ContextFactory<Config>;
  /** Longest wait for the first values, in milliseconds; default the client's own. */
  readyTimeoutMs?: number;
}

/** The module makes a client of these settings, and closes it with the application. */
export type ConfigModuleClientSettings<Config extends AnyConfig = RegisteredConfig> = SharedOptions<Config> &
  ConfigClientOptions<Config>;

/** The module uses a client that someone else made, such as a test's, and never closes it. */
export interface ConfigModuleClient<Config extends AnyConfig = RegisteredConfig>
  extends SharedOptions<Config> {
  client: ConfigClient<Config>;
}

/** What the module works with: a schema and settings of a client of its own, or a client. */
export type ConfigModuleOptions<Config extends AnyConfig = RegisteredConfig> =
  | ConfigModuleClientSettings<Config>
  | ConfigModuleClient<Config>;

/** How the module is registered. */
export interface ConfigModuleRegistration {
  /** Whether every module sees the client without importing this one; default true. */
  global?: boolean;
}

/** A provider of the options, for `useClass` and `useExisting`. */
export interface ConfigOptionsFactory<Config extends AnyConfig = RegisteredConfig> {
  createConfigOptions(): ConfigModuleOptions<Config> | Promise<ConfigModuleOptions<Config>>;
}

/** Options that are made by the injector: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface ConfigModuleAsyncOptions<Config extends AnyConfig = RegisteredConfig>
  extends ConfigModuleRegistration,
    Pick<ModuleMetadata, 'imports'> {
  useFactory?: (
    ...dependencies: never[]
  ) => ConfigModuleOptions<Config> | Promise<ConfigModuleOptions<Config>>;
  /** What `useFactory` is called with. */
  inject?: NonNullable<FactoryProvider['inject']>;
  useClass?: Type<ConfigOptionsFactory<Config>>;
  useExisting?: Type<ConfigOptionsFactory<Config>> | string | symbol;
}
