import type {
  AnyConfig,
  BrowserFlagValue,
  BrowserPublicValue,
  FlagKey,
  LimitKey,
  PublicKey,
  RegisteredConfig,
} from '../schema/config-types.ts';
import type { Evaluation } from '../wire.ts';

/** A snapshot typed by a schema: what a server makes with `client.snapshot(context)`. */
export interface ConfigSnapshot<Config extends AnyConfig = RegisteredConfig> {
  revision: string;
  public: { [Key in PublicKey<Config>]?: BrowserPublicValue<Key, Config> };
  flags: { [Key in FlagKey<Config>]?: Evaluation<BrowserFlagValue<Key, Config>> };
  limits: { [Key in LimitKey<Config>]?: Evaluation<number> };
}

/** Values to show until the first snapshot, and for keys that it does not have. */
export interface ConfigDefaults<Config extends AnyConfig = RegisteredConfig> {
  public?: { readonly [Key in PublicKey<Config>]?: BrowserPublicValue<Key, Config> };
  flags?: { readonly [Key in FlagKey<Config>]?: BrowserFlagValue<Key, Config> };
  limits?: { readonly [Key in LimitKey<Config>]?: number };
}
