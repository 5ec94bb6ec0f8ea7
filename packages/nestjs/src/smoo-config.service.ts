import type { ExecutionContext } from '@nestjs/common';
import type {
  AnyConfig,
  ConfigContext,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  RegisteredConfig,
  SecretKey,
  SecretValue,
} from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { callOf, currentCall, currentContext, EMPTY_CONTEXT } from './config-call.ts';
import type { ConfigInstance } from './config-instance.ts';
import { ConfigReader, type FlagDetailsValue } from './config-reader.ts';

/**
 * Reads the configuration in any provider. Flags and limits are evaluated for the request, message or job that the code
 * runs in, and anonymously outside of one.
 *
 * @example
 * constructor(private readonly config: SmooConfigService) {}
 */
export class SmooConfigService<Config extends AnyConfig = RegisteredConfig> {
  /** The client that holds the values. */
  readonly client: ConfigClient<Config>;
  // Not #private: NestFactory can wrap instances in a proxy.
  private readonly instance: ConfigInstance;

  constructor(instance: ConfigInstance) {
    this.instance = instance;
    this.client = instance.client as unknown as ConfigClient<Config>;
  }

  /** Returns a public value. Throws as `ConfigClient.public` does. */
  public<Key extends PublicKey<Config>>(key: Key): PublicValue<Key, Config> {
    return this.client.public(key);
  }

  /** Returns a secret. Throws as `ConfigClient.secret` does. */
  secret<Key extends SecretKey<Config>>(key: Key): SecretValue<Key, Config> {
    return this.client.secret(key);
  }

  /**
   * Returns the value of a flag for the current call, or for the given context.
   *
   * @throws {NotReadyError} if the module's `context` option is asynchronous and nothing in this call has awaited it.
   */
  flag<Key extends FlagKey<Config>>(key: Key, context?: ConfigContext<Config>): FlagValue<Key, Config> {
    return this.client.flag(key, context ?? this.now());
  }

  /** Like {@link flag}, with the reason. */
  flagDetails<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
  ): FlagDetailsValue<Key, Config> {
    return this.client.flagDetails(key, context ?? this.now());
  }

  /** Returns a limit for the current call, or for the given context. Throws as {@link flag} does. */
  limit<Key extends LimitKey<Config>>(key: Key, context?: ConfigContext<Config>): number {
    return this.client.limit(key, context ?? this.now());
  }

  /** Returns the context of the current call. Once it has been awaited, reads in this call are synchronous. */
  async context(): Promise<ConfigContext<Config>> {
    return (await currentCall()?.contextFor(this.instance)) ?? EMPTY_CONTEXT;
  }

  /** Returns a reader for the context of a call, for guards, interceptors and filters of your own, in any transport. */
  async forCall(executionContext: ExecutionContext): Promise<ConfigReader<Config>> {
    const context = await callOf(executionContext).contextFor(this.instance, executionContext);
    return new ConfigReader(this.client, context);
  }

  private now(): ConfigContext<Config> {
    return currentContext(this.instance);
  }
}
