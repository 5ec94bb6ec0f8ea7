import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { ConfigContext } from '../schema/config-types.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** Brings snapshots to a browser. */
export interface SnapshotSource {
  /** Keeps `store` up to date. Returns a function that disconnects. */
  connect(store: SnapshotStore): () => void;
}

/** A stream that your own server provides: `createSnapshotEventStream` behind a route. */
export interface SnapshotSourceUrl {
  /** Absolute, or relative to the page. */
  url: string;
}

/** A stream directly from the config server, with a publishable key. */
export interface SnapshotSourceSettings {
  /** Base URL of the config API; trailing slashes are ignored. */
  apiUrl: string;
  organizationId: string;
  environment: string;
  /** A `pk_…` key. It can read only public values and evaluated flags and limits. */
  publishableKey: string;
  /** The context that flags and limits are evaluated for; default the empty one. */
  context?: ConfigContext;
}

export type SnapshotSourceOptions = (SnapshotSourceUrl | SnapshotSourceSettings) & {
  /** Milliseconds to wait after the first HTTP error; default 1,000. It doubles up to 30 s, with jitter. */
  retryMs?: number;
};

const MAX_RETRY_MS = 30_000;
const CLOSED = 2;

/**
 * Creates a live source over `EventSource`. It reconnects after lost connections and HTTP errors, and ignores
 * malformed events. Without a global `EventSource`, as in server rendering, it does nothing.
 *
 * @example
 * const source = createSnapshotSource({ url: '/api/config/stream' });
 */
export function createSnapshotSource(options: SnapshotSourceOptions): SnapshotSource {
  const url = 'url' in options ? options.url : snapshotStreamUrl(options);
  return { connect: (store) => connect(url, store, options.retryMs ?? 1000) };
}

function connect(url: string, store: SnapshotStore, retryMs: number): () => void {
  if (typeof EventSource === 'undefined') {
    store.status = 'offline';
    return () => {};
  }
  let stream: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const open = (): void => {
    stream = new EventSource(url);
    stream.addEventListener('snapshot', (event) => {
      const snapshot = parse<Snapshot>(event.data);
      if (!snapshot) return;
      failures = 0;
      store.replace(snapshot);
      store.status = 'live';
    });
    stream.addEventListener('patch', (event) => {
      const patch = parse<SnapshotPatch>(event.data, {});
      if (patch) store.patch(patch);
    });
    stream.onerror = () => {
      // The browser itself reconnects after a lost connection, but not after an HTTP error.
      if (stream.readyState === CLOSED) {
        timer = setTimeout(
          open,
          Math.min(MAX_RETRY_MS, retryMs * 2 ** failures++) * (0.5 + Math.random() / 2),
        );
      }
      store.status = 'reconnecting';
    };
  };

  store.status = 'connecting';
  open();
  return () => {
    clearTimeout(timer);
    stream.close();
    store.status = 'offline';
  };
}

/**
 * The data of an event; undefined if it is malformed.
 * @param missing - stands for a group that is left out: a patch may leave out groups, a snapshot may not.
 */
function parse<Data extends Snapshot | SnapshotPatch>(text: string, missing?: object): Data | undefined {
  const data = parseJson(text);
  if (!isRecord(data) || typeof data.revision !== 'string') return undefined;
  const { public: values = missing, flags = missing, limits = missing, deleted = {} } = data;
  const isValid =
    [values, flags, limits, deleted].every(isRecord) &&
    [flags, limits].every((group) => Object.values(group as object).every(isRecord)) &&
    Object.values(deleted as object).every(Array.isArray);
  return isValid ? (data as unknown as Data) : undefined;
}

function snapshotStreamUrl(settings: SnapshotSourceSettings): string {
  const { apiUrl, organizationId, environment, publishableKey, context = {} } = settings;
  const query = new URLSearchParams({
    environment,
    context: base64Url(JSON.stringify(context)),
    key: publishableKey,
  });
  return `${apiUrl.replace(/\/+$/, '')}/organizations/${encodeURIComponent(organizationId)}/config/snapshot/stream?${query}`;
}

function base64Url(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
