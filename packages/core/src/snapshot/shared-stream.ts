import type { SnapshotStore } from './snapshot-store.ts';
import { followStream, type SnapshotStream, type StreamReport, type StreamTimes } from './snapshot-stream.ts';

/** Times of a stream that tabs share, in milliseconds. */
export interface SharedStreamTimes extends StreamTimes {
  /** How long a tab keeps following after it was hidden. */
  hiddenMs: number;
}

/**
 * Keeps a store up to date while the page is in use: it stops when the page freezes, enters the back/forward cache or
 * has been hidden for `hiddenMs`, and starts again when the page is seen. Returns a function that disconnects.
 */
export function shareStream(url: string, store: SnapshotStore, times: SharedStreamTimes): () => void {
  const end = new AbortController();
  let tab: SnapshotStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const leave = (): void => {
    tab?.close();
    tab = undefined;
    store.status = 'reconnecting';
  };
  const follow = (type = ''): void => {
    clearTimeout(timer);
    if (/hide|freeze/.test(type)) {
      leave();
      return;
    }
    const isHidden = globalThis.document?.hidden;
    if (isHidden) timer = setTimeout(leave, times.hiddenMs);
    // A page that is opened in the background loads its values once.
    if (isHidden && type) return;
    tab?.check(type.endsWith('line'));
    tab ??= joinTabs(url, store, times);
  };
  for (const type of ['visibilitychange', 'freeze', 'resume', 'pagehide', 'pageshow', 'online', 'offline']) {
    // Captured, because some of them are events of the document that do not bubble.
    globalThis.addEventListener?.(type, () => follow(type), { signal: end.signal, capture: true });
  }
  follow();
  return () => {
    end.abort();
    clearTimeout(timer);
    leave();
    store.status = 'offline';
  };
}

/**
 * Follows the stream together with all tabs of the origin that follow the same URL, because browsers allow six
 * connections to a server over HTTP/1.1. The tab that holds the Web Lock has the stream and passes on what it receives.
 * When it leaves, closes or crashes, the browser gives the lock to the next one, whose stream begins with a whole
 * snapshot, so nothing is lost. Without the Web Locks API, as on pages without TLS, each tab has its own stream.
 */
function joinTabs(url: string, store: SnapshotStore, times: StreamTimes): SnapshotStream {
  const left = new AbortController();
  const { signal } = left;
  const name = `smooai-config ${url}`;
  const locks = globalThis.navigator?.locks;
  // Through `globalThis`: Next warns about other uses of it in code that it also bundles for the edge.
  const channel = locks && new globalThis.BroadcastChannel(name);
  let stream: SnapshotStream | undefined;
  let hasSnapshot = false;

  const apply = ({ snapshot, patch, status, refusal }: StreamReport): void => {
    if (snapshot) {
      hasSnapshot = true;
      store.replace(snapshot);
      store.status = 'live';
    }
    // Without the snapshot of this stream, earlier patches are missing.
    if (patch && hasSnapshot) store.patch(patch);
    if (status) store.setStatus(status, refusal);
  };
  const lead = (): Promise<void> => {
    hasSnapshot = false;
    stream = followStream(url, times, (report) => {
      apply(report);
      channel?.postMessage(report);
    });
    return new Promise((release) => {
      signal.onabort = () => release();
    });
  };
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (!stream) apply(data);
      else if (data.hello) {
        const { status, refusal, snapshot } = store;
        channel.postMessage({ status, refusal, ...(hasSnapshot && { snapshot }) });
      }
    };
    channel.postMessage({ hello: true });
    locks.request(name, { signal }, lead).catch(() => {
      // This page may not use locks, as in a sandboxed frame.
      if (!signal.aborted) void lead();
    });
  } else void lead();
  return {
    close() {
      left.abort();
      stream?.close();
      channel?.close();
    },
    check: (isForced) => stream?.check(isForced),
  };
}
