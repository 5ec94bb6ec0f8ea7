import {
  type AnyConfig,
  type ConfigContext,
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
   * Who the request is from. It is called once a request, and may read `cookies()` and `headers()` of `next/headers`.
   * Default: the empty context.
   */
  context?: () => ConfigContext<C> | Promise<ConfigContext<C>>;
}

/** With a schema: this package makes the client, one a process, started by the first read. */
export interface NextConfigWithSchema<C extends AnyConfig> extends ContextOption<C> {
  /** The schema. */
  config: C;
  /** Settings of the client; default the environment variables. */
  clientOptions?: ProcessClientOptions<C>;
  /** Milliseconds that a read waits for the first start, while a visitor waits for the page; default 5,000. */
  readyTimeoutMs?: number;
  client?: never;
}

/** With a client of your own, which you close yourself; a test client too. */
export interface NextConfigWithClient<C extends AnyConfig> extends ContextOption<C> {
  /** The client, or a function that answers it when it is first needed. */
  client: ConfigClient<C> | (() => ConfigClient<C> | Promise<ConfigClient<C>>);
  config?: never;
  clientOptions?: never;
  readyTimeoutMs?: never;
}

/** Options of {@link createNextConfig}: a schema, or a client. */
export type NextConfigOptions<C extends AnyConfig> = NextConfigWithSchema<C> | NextConfigWithClient<C>;

/** What {@link createNextConfig} answers; `context` replaces that of the request. */
export interface NextConfig<C extends AnyConfig = RegisteredConfig> {
  /** A flag's value for the request. */
  flag: <K extends FlagKey<C>>(key: K, context?: ConfigContext<C>) => Promise<FlagValue<K, C>>;
  /** A flag's value, and how it came about. */
  flagDetails: <K extends FlagKey<C>>(
    key: K,
    context?: ConfigContext<C>,
  ) => Promise<Evaluation<FlagValue<K, C>> & { errorCode?: string }>;
  /** A limit for the request. */
  limit: <K extends LimitKey<C>>(key: K, context?: ConfigContext<C>) => Promise<number>;
  /** A public value. */
  publicValue: <K extends PublicKey<C>>(key: K) => Promise<PublicValue<K, C>>;
  /** A secret; never hand it to a client component. */
  secret: <K extends SecretKey<C>>(key: K) => Promise<SecretValue<K, C>>;
  /** What the browser may see, for `<ConfigProvider snapshot>`; never a secret. */
  snapshot: (context?: ConfigContext<C>) => Promise<Snapshot>;
  /** The snapshot stream: `export const { GET } = handlers` in a route handler. */
  handlers: { GET: SnapshotRouteHandler };
  /** The started client, also outside a request: instrumentation, scripts, jobs. */
  client: () => Promise<ConfigClient<C>>;
}

/**
 * Typed configuration for server components, server actions and route handlers.
 *
 * Nothing is fetched on import. The first read starts the client, and rejects where it cannot start; the next read
 * tries again. Afterwards reads come from memory, also while the config server is away. A page that reads is rendered
 * for each request, so `next build` needs no config server.
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
  throw new OptionsError('config', 'createNextConfig: give either "config" (a schema) or "client".');
}
