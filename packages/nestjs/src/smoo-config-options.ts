import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AnyConfig, RegisteredConfig } from '@smooai/config';
import type { ConfigClient, ConfigClientOptions, ConfigTelemetryOptions } from '@smooai/config/server';
import type { ContextFactory } from './config-instance.ts';

interface SharedOptions<Config extends AnyConfig> {
  /**
   * Returns the evaluation context of a call; called once per request or message, on first use. Default: the empty
   * context.
   */
  context?: ContextFactory<Config>;
  /**
   * Longest time that a call waits for its context, in milliseconds; 1 to 2147483647, default 10000. Then the call is refused:
   * HTTP 503, GraphQL `SERVICE_UNAVAILABLE`, or the "Internal server error" of a message.
   */
  contextTimeoutMs?: number;
  /** Longest wait for the first values, in milliseconds. Default: that of the client's `ready()`. */
  readyTimeoutMs?: number;
  /** A tracer gets a span for each run of `context`. A client that the module creates reports there too. */
  telemetry?: ConfigTelemetryOptions | undefined;
}

/** The module creates a client with these settings and closes it with the application. */
export type SmooConfigClientSettings<Config extends AnyConfig = RegisteredConfig> = SharedOptions<Config> &
  ConfigClientOptions<Config>;

/** The module uses an existing client, such as a test client, and never closes it. */
export interface SmooConfigClient<Config extends AnyConfig = RegisteredConfig> extends SharedOptions<Config> {
  client: ConfigClient<Config>;
}

/** Options of the module: either a schema and client settings, or a client. */
export type SmooConfigOptions<Config extends AnyConfig = RegisteredConfig> =
  | SmooConfigClientSettings<Config>
  | SmooConfigClient<Config>;

export interface SmooConfigRegistration {
  /** Tells several instances of one application apart; default: the instance without a name. */
  name?: string;
  /** Whether every module can inject the client without importing this one; default true. */
  global?: boolean;
}

/** Creates the options, for `useClass` and `useExisting`. */
export interface SmooConfigOptionsFactory<Config extends AnyConfig = RegisteredConfig> {
  createConfigOptions(): SmooConfigOptions<Config> | Promise<SmooConfigOptions<Config>>;
}

/** Options that Nest's injector creates: give exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface SmooConfigAsyncOptions<Config extends AnyConfig = RegisteredConfig>
  extends SmooConfigRegistration,
    Pick<ModuleMetadata, 'imports'> {
  useFactory?: (...dependencies: never[]) => SmooConfigOptions<Config> | Promise<SmooConfigOptions<Config>>;
  /** The providers that `useFactory` is called with. */
  inject?: NonNullable<FactoryProvider['inject']>;
  useClass?: Type<SmooConfigOptionsFactory<Config>>;
  useExisting?: Type<SmooConfigOptionsFactory<Config>> | string | symbol;
}
