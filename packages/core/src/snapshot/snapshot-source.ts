import { stableJson } from '../lib/json.ts';
import type { ConfigContext } from '../schema/config-types.ts';
import type { Snapshot } from '../wire.ts';
import { followPage } from './page-events.ts';
import { shareStream } from './shared-stream.ts';
import { SnapshotStore } from './snapshot-store.ts';

/** Brings snapshots to a browser. */
export interface SnapshotSource {
  /** Creates the store for a context: with the server's snapshot, or with values that the source has stored. */
  createStore(snapshot?: Snapshot, context?: ConfigContext): SnapshotStore;
  /** Keeps `store` up to date with the values for a context; default the empty one. Returns a function that disconnects. */
  connect(store: SnapshotStore, context?: ConfigContext): () => void;
  /** Names the values for a context, so that they are not taken for those of another source. */
  id?(context?: ConfigContext): string;
}

/** A stream that your own server provides: `createSnapshotEventStream` behind a route. */
export interface SnapshotSourceUrl {
  /** Absolute, or relative to the page. A function gets the context, for a server that reads it from the URL. */
  url: string | ((context: ConfigContext) => string);
}

/** A stream directly from the config server, with a publishable key. */
export interface SnapshotSourceSettings {
  /** Base URL of the config API; trailing slashes are ignored. */
  apiUrl: string;
  organizationId: string;
  environment: string;
  /** A `pk_…` key. It can read only public values and evaluated flags and limits. */
  publishableKey: string;
}

/** Options of {@link createSnapshotSource}, in milliseconds where they are times. */
export type SnapshotSourceOptions = (SnapshotSourceUrl | SnapshotSourceSettings) & {
  /** The wait after the first failure; default 1,000. It doubles up to 30 s, with jitter. `Retry-After` is added. */
  retryMs?: number;
  /**
   * Silence of the server after which the connection is replaced; default 45,000, three of its pings. If a connection
   * ends before the first ping, only the wait for the first event of the next ones is limited until there is a ping.
   */
  silenceTimeoutMs?: number;
  /** How long a hidden page stays connected; default 120,000. It connects again when it is seen. */
  hiddenTimeoutMs?: number;
};

/**
 * Creates a live source over the browser's `EventSource`. Tabs that follow the same values share one connection. It
 * reconnects after lost connections, silence, sleep and HTTP errors, and ignores malformed events. A refusal of the
 * server, such as one of a wrong key, is in the store's `refusal`; the source asks again every 30 s.
 *
 * @example
 * const source = createSnapshotSource({ url: '/api/config/stream' });
 */
export function createSnapshotSource(options: SnapshotSourceOptions): SnapshotSource {
  return {
    id: (context) => streamUrl(options, context),
    createStore: (snapshot) => new SnapshotStore(snapshot, 'connecting'),
    connect(store, context) {
      if (store.status !== 'reconnecting') store.setStatus('connecting');
      const url = streamUrl(options, context);
      return followPage(shareStream(url, store, { ...options, context: stableJson(context ?? {}) }));
    },
  };
}

/** The URL of the stream for a context: the same text for equal contexts. */
function streamUrl(options: SnapshotSourceOptions, context: ConfigContext = {}): string {
  const {
    url,
    apiUrl,
    organizationId,
    environment,
    publishableKey,
  }: Partial<SnapshotSourceUrl & SnapshotSourceSettings> = options;
  if (url) return typeof url === 'string' ? url : url(context);
  // The bytes in UTF-8, because `btoa` takes bytes.
  const bytes = String.fromCharCode(...new TextEncoder().encode(stableJson(context)));
  const query = new URLSearchParams({
    environment,
    context: btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
    key: publishableKey,
  } as Record<string, string>);
  // A variable of the build that is not set must not take the page down: the server's refusal says what is wrong.
  return `${apiUrl?.replace(/\/+$/, '')}/organizations/${encodeURIComponent(organizationId as string)}/config/snapshot/stream?${query}`;
}
