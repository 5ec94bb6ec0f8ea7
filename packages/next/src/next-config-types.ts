import type {
  AnyConfig,
  ConfigContext,
  ConfigSnapshot,
  Evaluation,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  RegisteredConfig,
  SecretKey,
  SecretValue,
  Snapshot,
} from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ReactElement } from 'react';
import type { ConfigRootProps } from './config-root.tsx';
import type { ProcessClientOptions } from './process-client.ts';
import type { RevalidateRouteHandler } from './revalidate-route-handler.ts';
import type { RevalidateOptions } from './revalidate-settings.ts';
import type { SnapshotRouteHandler } from './snapshot-route-handler.ts';

/** The keys that a browser may see. */
export type BrowserKey<C extends AnyConfig> = PublicKey<C> | FlagKey<C> | LimitKey<C>;

interface SharedOptions<C extends AnyConfig> {
  /**
   * Returns the evaluation context of the current request. Called once per request; it may read `cookies()` and
   * `headers()` from `next/headers`. Default: the empty context.
   */
  context?: () => ConfigContext<C> | Promise<ConfigContext<C>>;
  /** The keys that snapshots and the stream send to browsers. Default: all public values, flags and limits. */
  browserKeys?: readonly BrowserKey<C>[];
  /** Lets requests to the app's own route expire cache entries. Default: from environment variables. */
  revalidate?: RevalidateOptions;
}

/** With a schema: the package creates one client per process, and the first read starts it. */
export interface NextConfigWithSchema<C extends AnyConfig> extends SharedOptions<C> {
  /** The schema. */
  config: C;
  /** Options of the client. Default: its environment variables. */
  clientOptions?: ProcessClientOptions<C>;
  /** How long the reads of the process wait, once, for the client to start, in milliseconds; default 5,000. */
  readyTimeoutMs?: number;
  client?: never;
}

/** With your own client, such as a test client. You close it yourself. */
export interface NextConfigWithClient<C extends AnyConfig> extends SharedOptions<C> {
  /** The client, or a function that returns it when it is needed. */
  client: ConfigClient<C> | (() => ConfigClient<C> | Promise<ConfigClient<C>>);
  config?: never;
  clientOptions?: never;
  readyTimeoutMs?: never;
}

/** Options of {@link createNextConfig}: a schema, or a client. */
export type NextConfigOptions<C extends AnyConfig> = NextConfigWithSchema<C> | NextConfigWithClient<C>;

/** The result of {@link createNextConfig}. A `context` argument replaces the context of the request. */
export interface NextConfig<C extends AnyConfig = RegisteredConfig> {
  /**
   * Returns a flag's value for the request.
   *
   * @throws {CachedReadError} inside `'use cache'`, if the flag is targeted and no context is given.
   */
  flag: <K extends FlagKey<C>>(key: K, context?: ConfigContext<C>) => Promise<FlagValue<K, C>>;
  /**
   * Returns the values of several flags, all for one context.
   *
   * @example
   * const [newCheckout, theme] = await flags(['newCheckout', 'theme']);
   */
  flags: <const Keys extends readonly FlagKey<C>[]>(
    keys: Keys,
    context?: ConfigContext<C>,
  ) => Promise<{ -readonly [Index in keyof Keys]: FlagValue<Keys[Index], C> }>;
  /** Returns a flag's value and the reason for it. */
  flagDetails: <K extends FlagKey<C>>(
    key: K,
    context?: ConfigContext<C>,
  ) => Promise<Evaluation<FlagValue<K, C>> & { errorCode?: string }>;
  /** Returns a limit for the request. */
  limit: <K extends LimitKey<C>>(key: K, context?: ConfigContext<C>) => Promise<number>;
  /** Returns a public value. */
  publicValue: <K extends PublicKey<C>>(key: K) => Promise<PublicValue<K, C>>;
  /**
   * Returns a secret. Never pass it to a client component.
   *
   * @throws {CachedReadError} inside `'use cache'`.
   */
  secret: <K extends SecretKey<C>>(key: K) => Promise<SecretValue<K, C>>;
  /** Returns the values that the browser may see, for `<ConfigProvider snapshot>`. Contains no secrets. */
  snapshot: (context?: ConfigContext<C>) => Promise<Snapshot & ConfigSnapshot<C>>;
  /**
   * Provides values to the hooks below it. What is outside stays static: the values stream in where it stands. Without
   * configuration, the hooks return their fallbacks until the stream brings values.
   *
   * @example
   * <ConfigRoot fallback={<CartSkeleton />} stream="/api/config/stream"><Cart /></ConfigRoot>
   */
  ConfigRoot: (props: ConfigRootProps) => ReactElement;
  /**
   * For a route handler: `export const { GET, POST } = handlers`. GET is the snapshot stream. POST fetches a change and
   * expires the cache entries that contain its keys, for callers that know the secret; without it, it returns 403.
   */
  handlers: { GET: SnapshotRouteHandler; POST: RevalidateRouteHandler };
  /** Returns the started client. Also works outside a request: in instrumentation, scripts and jobs. */
  client: () => Promise<ConfigClient<C>>;
}
