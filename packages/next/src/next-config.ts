import {
  type AnyConfig,
  type ConfigContext,
  type ConfigSnapshot,
  type Evaluation,
  type FlagKey,
  type FlagValue,
  type LimitKey,
  OptionsError,
  type PublicKey,
  type PublicValue,
  type RegisteredConfig,
  type SecretKey,
  type SecretValue,
  type Snapshot,
} from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { cache } from 'react';
import { type ProcessClientOptions, processClient } from './process-client.ts';
import { requestTime } from './request-time.ts';
import { createSnapshotRouteHandler, type SnapshotRouteHandler } from './snapshot-route-handler.ts';

interface ContextOption<C extends AnyConfig> {
  /**
   * Returns the evaluation context of the current request. Called once per request; it may read `cookies()` and
   * `headers()` from `next/headers`. Default: the empty context.
   */
  context?: () => ConfigContext<C> | Promise<ConfigContext<C>>;
}

/** With a schema: the package creates one client per process, and the first read starts it. */
export interface NextConfigWithSchema<C extends AnyConfig> extends ContextOption<C> {
  /** The schema. */
  config: C;
  /** Options of the client. Default: its environment variables. */
  clientOptions?: ProcessClientOptions<C>;
  /** How long a read waits for the client to start, in milliseconds; default 5,000. */
  readyTimeoutMs?: number;
  client?: never;
}

/** With your own client, such as a test client. You close it yourself. */
export interface NextConfigWithClient<C extends AnyConfig> extends ContextOption<C> {
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
  /** Returns a flag's value for the request. */
  flag: <K extends FlagKey<C>>(key: K, context?: ConfigContext<C>) => Promise<FlagValue<K, C>>;
  /** Returns a flag's value and the reason for it. */
  flagDetails: <K extends FlagKey<C>>(
    key: K,
    context?: ConfigContext<C>,
  ) => Promise<Evaluation<FlagValue<K, C>> & { errorCode?: string }>;
  /** Returns a limit for the request. */
  limit: <K extends LimitKey<C>>(key: K, context?: ConfigContext<C>) => Promise<number>;
  /** Returns a public value. */
  publicValue: <K extends PublicKey<C>>(key: K) => Promise<PublicValue<K, C>>;
  /** Returns a secret. Never pass it to a client component. */
  secret: <K extends SecretKey<C>>(key: K) => Promise<SecretValue<K, C>>;
  /** Returns the values that the browser may see, for `<ConfigProvider snapshot>`. Contains no secrets. */
  snapshot: (context?: ConfigContext<C>) => Promise<Snapshot & ConfigSnapshot<C>>;
  /** Serves the snapshot stream: `export const { GET } = handlers` in a route handler. */
  handlers: { GET: SnapshotRouteHandler };
  /** Returns the started client. Also works outside a request: in instrumentation, scripts and jobs. */
  client: () => Promise<ConfigClient<C>>;
}

/**
 * Reads typed configuration in server components, server actions and route handlers.
 *
 * Nothing is fetched on import. The first read starts the client and rejects if it cannot start; the next read tries
 * again. After that, reads come from memory, even while the config server is down. A page that reads configuration is
 * rendered for each request.
 *
 * @throws {OptionsError} unless exactly one of `config` and `client` is given.
 * @example
 * export const { flag, limit, secret, snapshot, handlers } = createNextConfig({
 *   config,
 *   context: async () => ({ userId: (await cookies()).get('userId')?.value }),
 * });
 */
export function createNextConfig<C extends AnyConfig>(options: NextConfigOptions<C>): NextConfig<C> {
  const client = clientGetter(options);
  const requestContext = cache(async () => options.context?.());
  const atRequest = async (): Promise<ConfigClient<C>> => {
    await requestTime();
    return client();
  };
  const requestSnapshot = cache(async () => (await atRequest()).snapshot(await requestContext()));
  return {
    flag: async (key, context) => (await atRequest()).flag(key, context ?? (await requestContext())),
    flagDetails: async (key, context) =>
      (await atRequest()).flagDetails(key, context ?? (await requestContext())),
    limit: async (key, context) => (await atRequest()).limit(key, context ?? (await requestContext())),
    publicValue: async (key) => (await atRequest()).public(key),
    secret: async (key) => (await atRequest()).secret(key),
    snapshot: async (context) =>
      context === undefined ? requestSnapshot() : (await atRequest()).snapshot(context),
    handlers: {
      GET: createSnapshotRouteHandler<C>({
        getClient: client,
        ...(options.context !== undefined && { context: options.context }),
      }),
    },
    client,
  };
}

function clientGetter<C extends AnyConfig>(options: NextConfigOptions<C>): () => Promise<ConfigClient<C>> {
  const { config, client } = options;
  if (config !== undefined && client === undefined) return processClient(options);
  if (client !== undefined && config === undefined) {
    return async () => {
      const given = typeof client === 'function' ? await client() : client;
      return given.ready();
    };
  }
  throw new OptionsError('config', 'createNextConfig: pass either "config" (a schema) or "client".');
}
