import type { AnyConfig, ConfigContext, Register, RegisteredConfig } from '@smooai/config';
import type {
  ConfigDefaults,
  ConfigSnapshot,
  SnapshotRefusal,
  SnapshotSource,
  SnapshotStore,
} from '@smooai/config/browser';
import type { ReactNode } from 'react';

/** The type of the defaults in `Register`; without them, no key has a default. */
// biome-ignore lint/complexity/noBannedTypes: the type without keys
export type RegisteredDefaults = Register extends { defaults: infer Defaults } ? Defaults : {};

/** `undefined`, unless the defaults have the key: a hook returns it while no snapshot has the key. */
export type MissingValue<Defaults, Group extends string, Key> =
  Defaults extends Record<Group, infer Values> ? (Key extends keyof Values ? never : undefined) : undefined;

/** Props of `ConfigProvider`. */
export type ConfigProviderProps<
  Config extends AnyConfig = RegisteredConfig,
  Defaults = RegisteredDefaults,
> = {
  /** The first snapshot, made on the server. A new one is applied unless it is older than the current snapshot. */
  snapshot?: ConfigSnapshot<Config> | undefined;
  /** Where changes come from. Keep the same object between renders: a different one reconnects. */
  source?: SnapshotSource | undefined;
  /**
   * What flags and limits are evaluated for; default the empty context. An equal object changes nothing. For another
   * one, `fallback` or the defaults are shown until its values arrive; `useConfigContext` can keep the old tree instead.
   */
  context?: ConfigContext<Config> | undefined;
  /** Your own store, to share one between React roots. Read on the first render only. */
  store?: SnapshotStore | undefined;
  /** Shown until there are values, at most for `readyTimeoutMs`. Without it the children are rendered at once. */
  fallback?: ReactNode;
  /** Milliseconds after which the children are rendered with their defaults if none has arrived; default 5,000. */
  readyTimeoutMs?: number | undefined;
  /** Called when the server refuses to send values. In development, the reason is also in the console. */
  onError?: ((refusal: SnapshotRefusal) => void) | undefined;
  children?: ReactNode;
} & (Record<never, never> extends Defaults
  ? { /** Read on the first render only. */ defaults?: ConfigDefaults<Config> | undefined }
  : { /** The registered defaults. Read on the first render only. */ defaults: Defaults });
