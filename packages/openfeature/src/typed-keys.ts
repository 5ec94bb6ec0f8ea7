import type {
  AnyConfig,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  RegisteredConfig,
} from '@smooai/config';

type FlagKeyOf<Config extends AnyConfig, Type> = {
  [Key in FlagKey<Config>]: NonNullable<FlagValue<Key, Config>> extends Type ? Key : never;
}[FlagKey<Config>];

type PublicKeyOf<Config extends AnyConfig, Type> = {
  [Key in PublicKey<Config>]: NonNullable<PublicValue<Key, Config>> extends Type ? Key : never;
}[PublicKey<Config>];

/** The keys with boolean values, for `BooleanFlagKey` of the SDK. */
export type BooleanKeyOf<Config extends AnyConfig = RegisteredConfig> =
  | FlagKeyOf<Config, boolean>
  | PublicKeyOf<Config, boolean>;

/** The keys with strings, for `StringFlagKey` of the SDK. */
export type StringKeyOf<Config extends AnyConfig = RegisteredConfig> =
  | FlagKeyOf<Config, string>
  | PublicKeyOf<Config, string>;

/** The keys with numbers, limits included, for `NumberFlagKey` of the SDK. */
export type NumberKeyOf<Config extends AnyConfig = RegisteredConfig> =
  | FlagKeyOf<Config, number>
  | PublicKeyOf<Config, number>
  | LimitKey<Config>;

/** The keys with objects and lists, for `ObjectFlagKey` of the SDK. */
export type ObjectKeyOf<Config extends AnyConfig = RegisteredConfig> =
  | FlagKeyOf<Config, object>
  | PublicKeyOf<Config, object>;
