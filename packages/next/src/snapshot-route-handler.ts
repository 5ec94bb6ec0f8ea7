import {
  type AnyConfig,
  type ConfigContext,
  isConfigError,
  OptionsError,
  type RegisteredConfig,
} from '@smooai/config';
import { type ConfigClient, createSnapshotEventStream } from '@smooai/config/server';
import { endOnShutdown, isShuttingDown } from './shutdown.ts';

/** Options of {@link createSnapshotRouteHandler}: a client, or how to get one. */
export interface SnapshotRouteHandlerOptions<C extends AnyConfig = RegisteredConfig> {
  /** A client; the handler waits for its `ready()`. */
  client?: ConfigClient<C>;
  /** Answers a started client. */
  getClient?: () => ConfigClient<C> | Promise<ConfigClient<C>>;
  /** Who the request is from; default the empty context. */
  context?: (request: Request) => ConfigContext<C> | Promise<ConfigContext<C>>;
  /** Milliseconds between two comments that keep the connection open; default 15 000. */
  heartbeatMs?: number;
}

/** A route handler as Next calls it. */
export type SnapshotRouteHandler = (request: Request) => Promise<Response>;

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // nginx would hold events back.
  'x-accel-buffering': 'no',
};

const RETRY = { 'retry-after': '5' };

/**
 * Streams the snapshot of the request's context to the pages of this app, as server-sent events. The app's server
 * holds the credential, the browser needs none; pages of other sites get 403.
 *
 * @throws {OptionsError} unless exactly one of `client` and `getClient` is given.
 * @example
 * // app/api/config/stream/route.ts
 * export const GET = createSnapshotRouteHandler({ client, context: () => ({}) });
 */
export function createSnapshotRouteHandler<C extends AnyConfig = RegisteredConfig>(
  options: SnapshotRouteHandlerOptions<C>,
): SnapshotRouteHandler {
  const getClient = clientGetter(options);
  const { heartbeatMs } = options;
  const contextOf = async (request: Request): Promise<ConfigContext<C> | undefined> =>
    options.context?.(request);
  return async (request) => {
    if (isCrossSite(request)) return refusal(403, 'This stream is for pages of its own site.');
    if (isShuttingDown())
      return refusal(503, 'This server is about to end.', { ...RETRY, connection: 'close' });
    try {
      const client = await getClient();
      // Next answers HEAD through GET, and drops a body without ending it.
      if (request.method === 'HEAD') return new Response(null, { headers: STREAM_HEADERS });
      return openStream(client, await contextOf(request), { signal: request.signal, heartbeatMs });
    } catch (error) {
      if (!isConfigError(error)) throw error;
      // What went wrong is between the servers; the error may name hosts.
      return refusal(503, 'The configuration is not available at the moment.', RETRY);
    }
  };
}

function openStream<C extends AnyConfig>(
  client: ConfigClient<C>,
  context: ConfigContext<C> | undefined,
  { signal, heartbeatMs }: { signal: AbortSignal; heartbeatMs: number | undefined },
): Response {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const forget = endOnShutdown(end);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const stream = createSnapshotEventStream(client, context, {
    signal: ending.signal,
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    onEnd: () => {
      forget();
      signal.removeEventListener('abort', end);
    },
  });
  return new Response(stream, { headers: STREAM_HEADERS });
}

function clientGetter<C extends AnyConfig>({
  client,
  getClient,
}: SnapshotRouteHandlerOptions<C>): () => Promise<ConfigClient<C>> {
  if (client !== undefined && getClient === undefined) return () => client.ready();
  if (getClient !== undefined && client === undefined) return async () => getClient();
  throw new OptionsError('client', 'createSnapshotRouteHandler: give either "client" or "getClient".');
}

/**
 * Browsers say where a request comes from in `Sec-Fetch-Site`; older ones send `Origin` with a request to another
 * origin. A request with neither is no page of another site.
 */
function isCrossSite(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  const origin = request.headers.get('origin');
  if (origin === null) return false;
  // Behind a proxy the request's own URL is the inner one; a page of another site cannot set these headers.
  const host =
    request.headers.get('x-forwarded-host') ?? request.headers.get('host') ?? new URL(request.url).host;
  return hostOf(origin) !== host;
}

/** Not by `URL.canParse`: once optimized, that of Node 20 refuses letters outside ASCII. */
function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

function refusal(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ message }, { status, headers: { 'cache-control': 'no-store', ...headers } });
}
