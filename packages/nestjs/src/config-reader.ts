import type {
  AnyConfig,
  ConfigContext,
  Evaluation,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  RegisteredConfig,
} from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';

/** A flag's value with the reason for it: the type of a parameter with `@FlagDetails(key)`. */
export type FlagDetailsValue<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = Evaluation<FlagValue<Key, Config>> & { errorCode?: string };

/** Reads flags and limits for one evaluation context. */
export class ConfigReader<Config extends AnyConfig = RegisteredConfig> {
  /** The context that flags and limits are evaluated for. */
  readonly context: ConfigContext<Config>;
  protected readonly client: ConfigClient<Config>;

  constructor(client: ConfigClient<Config>, context: ConfigContext<Config>) {
    this.client = client;
    this.context = context;
  }

  /** Returns the value of a flag. Never throws. */
  flag<Key extends FlagKey<Config>>(key: Key): FlagValue<Key, Config> {
    return this.client.flag(key, this.context);
  }

  /** Returns the value of a flag with the reason. Never throws. */
  flagDetails<Key extends FlagKey<Config>>(key: Key): FlagDetailsValue<Key, Config> {
    return this.client.flagDetails(key, this.context);
  }

  /** Returns the value of a limit. Never throws. */
  limit<Key extends LimitKey<Config>>(key: Key): number {
    return this.client.limit(key, this.context);
  }

  /** Returns a public value. */
  public<Key extends PublicKey<Config>>(key: Key): PublicValue<Key, Config> {
    return this.client.public(key);
  }
}
