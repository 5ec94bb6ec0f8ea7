import type { ConfigContext } from '../schema/config-types.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** Where a browser's snapshots come from. */
export interface SnapshotSource {
  /** Keeps `store` up to date until the answered function is called. */
  connect(store: SnapshotStore): () => void;
}

/** A stream that the app itself serves: `createSnapshotEventStream` behind a route of yours. */
export interface SnapshotSourceUrl {
  /** Absolute, or relative to the page. */
  url: string;
}

/** A stream straight from the config server, with a publishable key. */
export interface SnapshotSourceSettings {
  /** Base URL of the config API; trailing slashes do not matter. */
  apiUrl: string;
  organizationId: string;
  environment: string;
  /** A `pk_…` key, which can read public values and answers, and nothing else. */
  publishableKey: string;
  /** Who the flags and limits are evaluated for; nobody by default. */
  context?: ConfigContext;
}

/** What {@link createSnapshotSource} takes. */
export type SnapshotSourceOptions = (SnapshotSourceUrl | SnapshotSourceSettings) & {
  /** First wait in milliseconds after an HTTP error; it doubles up to 30 s, with jitter. Default 1,000. */
  retryMs?: number;
};

const MAX_RETRY_MS = 30_000;
const CLOSED = 2;

/**
 * A live source over `EventSource`. It reconnects after lost connections and after HTTP errors, ignores malformed
 * events, and does nothing where there is no `EventSource`, as in server rendering.
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
      const snapshot = parse<Snapshot>(event);
      if (snapshot?.public === undefined || snapshot.flags === undefined || snapshot.limits === undefined)
        return;
      failures = 0;
      store.replace(snapshot);
      store.status = 'live';
    });
    stream.addEventListener('patch', (event) => {
      const patch = parse<SnapshotPatch>(event);
      if (patch !== undefined) store.patch(patch);
    });
    stream.onerror = () => {
      // A lost connection is the browser's to restore; after an HTTP error it gives up for good.
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

/** The data of an event that has the shape of a snapshot or a patch; undefined for anything else. */
function parse<Data extends Snapshot | SnapshotPatch>(event: MessageEvent<unknown>): Data | undefined {
  try {
    const data: unknown = JSON.parse(String(event.data));
    return isUpdate(data) ? (data as Data) : undefined;
  } catch {
    return undefined;
  }
}

function isUpdate(data: unknown): boolean {
  if (!isRecord(data) || typeof data.revision !== 'string') return false;
  const { public: values = {}, flags = {}, limits = {}, deleted = {} } = data;
  return (
    isRecord(values) &&
    [flags, limits].every((group) => isRecord(group) && Object.values(group).every(isRecord)) &&
    isRecord(deleted) &&
    Object.values(deleted).every(Array.isArray)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  return btoa(bytes.join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
