import type { Snapshot } from '../wire.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import { followStream, type SnapshotStream, type StreamReport, type StreamTimes } from './snapshot-stream.ts';

/** Times of a stream that tabs share, in milliseconds. */
export interface SharedStreamTimes extends StreamTimes {
  /** How long a tab keeps following after it was hidden. */
  hiddenMs: number;
}

/** A tab that follows a stream. */
interface Tab {
  close(): void;
  /** Tells the other tabs whether this one is seen, and checks that the line, or the leading tab, is alive. */
  check(isNetworkChange: boolean): void;
}

/** What tabs send to each other: a report of the leading one, or a question to it. */
interface TabMessage extends StreamReport {
  isHidden?: boolean | undefined;
  isQuestion?: boolean;
}

/** How long the leading tab has to reply. If it hangs, the tab that asked takes the lead. */
const REPLY_MS = 5_000;

const isHidden = (): boolean | undefined => globalThis.document?.hidden;

/**
 * Keeps a store up to date while the page is in use: it stops when the page freezes, enters the back/forward cache or
 * has been hidden for `hiddenMs`, and starts again when the page is seen. Returns a function that disconnects.
 */
export function shareStream(url: string, store: SnapshotStore, times: SharedStreamTimes): () => void {
  const end = new AbortController();
  let tab: Tab | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const leave = (): void => {
    tab?.close();
    tab = undefined;
    store.setStatus('reconnecting');
  };
  const follow = (type = ''): void => {
    clearTimeout(timer);
    if (/hide|freeze/.test(type)) {
      leave();
      return;
    }
    if (isHidden()) timer = setTimeout(leave, times.hiddenMs);
    tab?.check(type.endsWith('line'));
    // A page that is opened in the background loads its values once.
    if (!type || !isHidden()) tab ??= joinTabs(url, store, times);
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
    store.setStatus('offline');
  };
}

/**
 * Follows the stream together with all tabs of the origin that follow the same URL, because browsers allow six
 * connections to a server over HTTP/1.1. The leading tab has the stream and passes on what it receives. Its messages
 * have its status, so a tab whose status differs notices that it has missed something and asks for the snapshot.
 */
function joinTabs(url: string, store: SnapshotStore, times: StreamTimes): Tab {
  const left = new AbortController();
  const name = `smooai-config ${url}`;
  // Through `globalThis`: Next warns about other uses of it in code that it also bundles for the edge.
  const channel = globalThis.navigator?.locks && new globalThis.BroadcastChannel(name);
  let stream: SnapshotStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = (message?: TabMessage): void => {
    const { status, refusal } = store;
    // A listener of the store may have left, and a closed channel throws.
    if (!left.signal.aborted) channel?.postMessage({ status, refusal, isHidden: isHidden(), ...message });
  };
  const ask = (): void => {
    clearTimeout(timer);
    send({ isQuestion: true });
    timer = setTimeout(takeLead, REPLY_MS);
  };
  const lead = (): void => {
    clearTimeout(timer);
    stream ??= followStream(url, times, (report) => {
      apply(store, report);
      send(report);
    });
  };
  const lose = (): void => {
    stream?.close();
    stream = undefined;
    ask();
  };
  const follow = (message: TabMessage): void => {
    if (message.isHidden && !isHidden()) takeLead();
    else if (hasGap(store, message)) ask();
    else {
      clearTimeout(timer);
      timer = setTimeout(ask, times.silenceMs);
      apply(store, message);
    }
  };
  if (channel)
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      if (data.isQuestion) {
        if (stream) send(store.status === 'live' ? { snapshot: store.snapshot as Snapshot } : {});
      } else if (!stream) follow(data);
    };
  const takeLead = waitForLead(name, { signal: left.signal, lead, lose });
  if (!stream) ask();
  return {
    close() {
      left.abort();
      clearTimeout(timer);
      stream?.close();
      channel?.close();
    },
    check(isNetworkChange) {
      if (!stream) return ask();
      send();
      stream.check(isNetworkChange);
    },
  };
}

/**
 * Calls `lead` once this tab holds the Web Lock, and `lose` when another tab has taken it. When the tab that holds it
 * leaves, closes or crashes, the browser gives the lock to the next one. Without the Web Locks API, as on pages without
 * TLS, and in frames that may not use it, each tab leads. Returns a function that takes the lead.
 */
function waitForLead(
  name: string,
  { signal, lead, lose }: { signal: AbortSignal; lead: () => void; lose: () => void },
): () => void {
  const locks = globalThis.navigator?.locks;
  const hold = (): Promise<void> | undefined => {
    // Granted while the tab was leaving, as in the first mount of React's StrictMode.
    if (signal.aborted) return undefined;
    lead();
    return new Promise((release) => {
      signal.onabort = () => release();
    });
  };
  const request = (options: LockOptions): void => {
    locks.request(name, options, hold).catch((error: Error) => {
      if (signal.aborted) return;
      if (error.name !== 'AbortError') return lead();
      lose();
      if (options.signal) request(options);
    });
  };
  if (locks) request({ signal });
  else lead();
  return () => {
    // At once: the messages that are on their way are not to take the lead again.
    lead();
    request({ steal: true });
  };
}

/** Whether patches before this message are missing: it is live, the store is not, and it has no snapshot to catch up. */
function hasGap({ status }: SnapshotStore, message: TabMessage): boolean {
  return message.status === 'live' && status !== 'live' && !message.snapshot;
}

function apply(store: SnapshotStore, { snapshot, patch, status, refusal }: StreamReport): void {
  if (snapshot) store.replace(snapshot);
  if (patch) store.patch(patch);
  if (status) store.setStatus(status, refusal);
}
