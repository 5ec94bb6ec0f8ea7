import type {
  AnyConfig,
  ConfigContext,
  FlagKey,
  BrowserFlagValue as FlagOf,
  LimitKey,
  PublicKey,
  BrowserPublicValue as PublicOf,
  RegisteredConfig,
} from '@smooai/config';
import type { Evaluation } from '@smooai/config/browser';
import type { ReactElement, ReactNode } from 'react';
import type { ConfigProviderProps, MissingValue, RegisteredDefaults } from './config-types.ts';
import type { ConfigChange } from './use-config-changes.ts';
import type { ConfigStatus } from './use-config-status.ts';

/** How `setContext` changes the context. */
export interface SetContextOptions {
  /**
   * `true` (the default): the tree stays as it is until the new values have arrived; inside `useTransition`, its
   * `isPending` is true meanwhile. `false`: the provider shows its `fallback`, or the children with their defaults.
   */
  hold?: boolean;
}

/** Props of `Flag`. */
export interface FlagProps<Key extends string, Value> {
  name: Key;
  /** The value for which the children are rendered. */
  is: Value;
  /** Rendered for every other value, and while there is none. */
  fallback?: ReactNode;
  /** A function is only called if the flag has the value. */
  children?: ReactNode | (() => ReactNode);
}

/** A provider and its hooks, typed by a schema. Each hook throws outside of its provider. */
export interface ConfigHooks<Config extends AnyConfig = RegisteredConfig, Defaults = RegisteredDefaults> {
  /** Provides values to the hooks below it. */
  ConfigProvider: (props: ConfigProviderProps<Config, Defaults>) => ReactElement;
  /** Renders its children if a flag has a value, and otherwise `fallback`. */
  Flag: <Key extends FlagKey<Config>>(props: FlagProps<Key, FlagOf<Key, Config>>) => ReactElement;
  /**
   * Returns the value of a flag for this visitor. The component renders again only when that value changes. Without a
   * value it returns `fallback`, or the key's default, or undefined.
   *
   * @example
   * const newCheckout = useFlag('newCheckout', false); // boolean
   */
  useFlag: {
    <Key extends FlagKey<Config>>(key: Key, fallback: FlagOf<Key, Config>): FlagOf<Key, Config>;
    <Key extends FlagKey<Config>>(
      key: Key,
      fallback?: FlagOf<Key, Config>,
    ): FlagOf<Key, Config> | MissingValue<Defaults, 'flags', Key>;
  };
  /** Like `useFlag`, with the reason for the value; the component also renders again when only the reason changes. */
  useFlagDetails: {
    <Key extends FlagKey<Config>>(key: Key, fallback: FlagOf<Key, Config>): Evaluation<FlagOf<Key, Config>>;
    <Key extends FlagKey<Config>>(
      key: Key,
      fallback?: FlagOf<Key, Config>,
    ): Evaluation<FlagOf<Key, Config>> | MissingValue<Defaults, 'flags', Key>;
  };
  /**
   * Returns the value of a flag. It suspends until the first snapshot, for at most the provider's `readyTimeoutMs`; after
   * that it returns the key's default while it has none.
   *
   * @throws {Error} if there is neither a value nor a default by then, and on a server without a snapshot.
   */
  useSuspenseFlag: <Key extends FlagKey<Config>>(key: Key) => FlagOf<Key, Config>;
  /** Returns a public value; otherwise like `useFlag`. */
  usePublic: {
    <Key extends PublicKey<Config>>(key: Key, fallback: PublicOf<Key, Config>): PublicOf<Key, Config>;
    <Key extends PublicKey<Config>>(
      key: Key,
      fallback?: PublicOf<Key, Config>,
    ): PublicOf<Key, Config> | MissingValue<Defaults, 'public', Key>;
  };
  /** Returns a limit for this visitor, already clamped; otherwise like `useFlag`. */
  useLimit: {
    <Key extends LimitKey<Config>>(key: Key, fallback: number): number;
    <Key extends LimitKey<Config>>(
      key: Key,
      fallback?: number,
    ): number | MissingValue<Defaults, 'limits', Key>;
  };
  /** Like `useLimit`, with the reason for the value. */
  useLimitDetails: {
    <Key extends LimitKey<Config>>(key: Key, fallback: number): Evaluation<number>;
    <Key extends LimitKey<Config>>(
      key: Key,
      fallback?: number,
    ): Evaluation<number> | MissingValue<Defaults, 'limits', Key>;
  };
  /** Returns the provider's context, and a function that changes it. */
  useConfigContext: () => [
    context: ConfigContext<Config> | undefined,
    setContext: (context: ConfigContext<Config>, options?: SetContextOptions) => void,
  ];
  /** Returns whether the values are current, and why not. */
  useConfigStatus: () => ConfigStatus;
  /** Returns the changes of values since the component was mounted, newest first, at most `limit` (default 20). */
  useConfigChanges: (limit?: number) => readonly ConfigChange[];
}
