import {
  type AnyConfig,
  type ConfigContext,
  isConfigError,
  OptionsError,
  type RegisteredConfig,
} from '@smooai/config';
import {
  type ConfigClient,
  createSnapshotEventStream,
  type SnapshotEventClient,
} from '@smooai/config/server';
import { browserView } from './browser-view.ts';
import { contextInTime, LATE } from './context-in-time.ts';
import { checkBrowserKeys, checkContextOption, checkHeartbeat } from './option-checks.ts';
import { warnOnce } from './report-once.ts';
import { endOnShutdown, isShuttingDown } from './shutdown.ts';

/** Options of {@link createSnapshotRouteHandler}: either `client` or `getClient`. */
export interface SnapshotRouteHandlerOptions<C extends AnyConfig = RegisteredConfig> {
  /** A client; the handler waits for its `ready()`. */
  client?: ConfigClient<C>;
  /** Returns a started client. */
  getClient?: () => ConfigClient<C> | Promise<ConfigClient<C>>;
  /** Returns the evaluation context of a request. Default: the empty context. */
  context?: (request: Request) => ConfigContext<C> | Promise<ConfigContext<C>>;
  /** The keys to send. Default: all public values, flags and limits. */
  keys?: readonly string[];
  /** Time between two pings, which keep the connection open and show that it is alive, in milliseconds; default 15,000. */
  heartbeatMs?: number;
}

/** A route handler as Next calls it. */
export type SnapshotRouteHandler = (request: Request) => Promise<Response>;

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // Stops nginx from buffering the events.
  'x-accel-buffering': 'no',
  // Without it, the connection of an ended stream stays open, idle, and `next start` waits for it on shutdown.
  connection: 'close',
};

const RETRY = { 'retry-after': '5' };

/**
 * Creates a route handler that streams the snapshot of the request's context to the pages of this app, as server-sent
 * events. The app's server has the credentials, so the browser needs none. Pages of other sites get 403.
 *
 * @throws {OptionsError} unless exactly one of `client` and `getClient` is given, and for an option with a wrong
 * value.
 * @example
 * // app/api/config/stream/route.ts
 * export const GET = createSnapshotRouteHandler({ client, context: () => ({}) });
 */
export function createSnapshotRouteHandler<C extends AnyConfig = RegisteredConfig>(
  options: SnapshotRouteHandlerOptions<C>,
): SnapshotRouteHandler {
  const getClient = clientGetter(options);
  const { heartbeatMs } = options;
  checkHeartbeat(heartbeatMs);
  checkContextOption(options.context);
  checkBrowserKeys('keys', options.keys, options.client?.config);
  const viewOf = browserView<C>(options.keys);
  const contextOf = async (request: Request): Promise<ConfigContext<C> | undefined> =>
    options.context?.(request);
  // A client that is not ready can reject with a new error for each request, and browsers ask again every few seconds.
  let reported = '';
  return async (request) => {
    if (isCrossSite(request)) return refusal(403, 'This stream is only available to pages of the same site.');
    if (isShuttingDown())
      return refusal(503, 'This server is shutting down.', { ...RETRY, connection: 'close' });
    try {
      const client = await getClient();
      reported = '';
      // Next runs GET for HEAD and drops the body without cancelling it, so no stream is opened.
      if (request.method === 'HEAD') return new Response(null, { headers: STREAM_HEADERS });
      const context = await contextInTime(contextOf(request), request.signal, 'a stream was refused');
      if (context === LATE) return refusal(503, 'The context of this request took too long.', RETRY);
      return openStream(viewOf(client), context, { signal: request.signal, heartbeatMs });
    } catch (error) {
      if (!isConfigError(error)) throw error;
      if (error.message !== reported) warnOnce('The stream has no values.', error);
      reported = error.message;
      // Without the cause, because the error may name internal hosts.
      return refusal(503, 'The configuration is not available at the moment.', RETRY);
    }
  };
}

function openStream<C extends AnyConfig>(
  client: SnapshotEventClient<C>,
  context: ConfigContext<C> | undefined,
  { signal, heartbeatMs }: { signal: AbortSignal; heartbeatMs: number | undefined },
): Response {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const removeFromShutdown = endOnShutdown(end);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const stream = createSnapshotEventStream(client, context, {
    signal: ending.signal,
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    onEnd: () => {
      removeFromShutdown();
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
  throw new OptionsError('client', 'createSnapshotRouteHandler: pass either "client" or "getClient".');
}

/**
 * Whether a page of another site sent the request. Browsers say so in `Sec-Fetch-Site`; older ones send `Origin` with
 * requests to another origin. A request with neither header does not come from another site.
 */
function isCrossSite(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  const origin = request.headers.get('origin');
  if (origin === null) return false;
  // Behind a proxy the request's URL is the internal one. A page of another site cannot set these headers.
  const host =
    request.headers.get('x-forwarded-host') ?? request.headers.get('host') ?? new URL(request.url).host;
  return hostOf(origin) !== host;
}

/** Does not use `URL.canParse`: in Node 20, once optimized, it rejects letters outside ASCII. */
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
