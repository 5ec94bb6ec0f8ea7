import type { SnapshotRefusal, SnapshotStatus, SnapshotStore } from './snapshot-store.ts';
import { openStream } from './snapshot-stream.ts';
import { isUpdate } from './snapshot-update.ts';

/** Times of a stream that tabs share, in milliseconds. */
export interface SharedStreamTimes {
  /** The wait after the first failure. It doubles up to 30 s, with jitter. */
  retryMs?: number;
  /** Silence after which the line, or the leading tab, counts as dead. */
  silenceTimeoutMs?: number;
  /** How long a tab keeps following after it was hidden. */
  hiddenTimeoutMs?: number;
}

/** What the leading tab posts to the others: the data of an event, the state of its store, and its claim. */
type TabMessage = [
  data: unknown,
  status: SnapshotStatus,
  refusal: SnapshotRefusal | undefined,
  claim: number,
  isAway: boolean,
];

const MAX_RETRY_MS = 30_000;

/**
 * Keeps a store up to date together with all tabs of the origin that follow the same URL, because browsers allow six
 * connections to a server over HTTP/1.1. The leading tab has the stream, and posts each event to the others. A tab takes
 * the lead by opening a stream of its own: when it starts, when it is seen, when the leading tab goes away, and when it
 * has received nothing for too long. The stream begins with a whole snapshot, so nothing is lost in between.
 *
 * Returns a function to call with each event of {@link followPage}.
 */
export function shareStream(
  url: string,
  store: SnapshotStore,
  { retryMs = 1_000, silenceTimeoutMs = 45_000, hiddenTimeoutMs = 120_000 }: SharedStreamTimes,
): (type: string) => void {
  let channel: BroadcastChannel | undefined;
  /** The stream of the leading tab. It stays after a failure, until the next attempt. */
  let source: EventSource | undefined;
  /** When the leading tab took the lead. If two tabs have a stream, the earlier one gives way. */
  let claim = 0;
  /** Whether this tab is hidden or about to be gone, so that one that is seen takes the lead. */
  let isAway: boolean;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout>;
  let hiddenTimer: ReturnType<typeof setTimeout>;
  /** When `timer` runs out. A sleeping machine stops timers, but not the clock. */
  let dueAt: number;

  const wait = (next: () => void, ms: number): void => {
    clearTimeout(timer);
    dueAt = Date.now() + ms;
    timer = setTimeout(next, ms);
  };
  const watch = (): void => wait(lost, silenceTimeoutMs);
  const post = (data?: unknown): void =>
    channel?.postMessage([data, store.status, store.refusal, claim, isAway] satisfies TabMessage);
  const receive = (data: unknown): void => {
    watch();
    // A patch is a snapshot with only what changed, so it needs one before it.
    if (isUpdate(data, store.revision !== undefined)) {
      failures = 0;
      store.replace(data);
      store.setStatus('live');
    }
  };
  const close = (): void => {
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    // The fraction tells apart two tabs that open in the same millisecond.
    if (!source) claim = Date.now() + Math.random();
    close();
    // Through `globalThis`: Next warns about other uses of it in code that it also bundles for the edge.
    if (globalThis.BroadcastChannel && !channel) {
      channel = new globalThis.BroadcastChannel(`smooai-config ${url}`);
      channel.onmessage = follow;
    }
    watch();
    try {
      source = openStream(
        url,
        (data) => {
          receive(data);
          post(data);
        },
        lost,
      );
    } catch {
      lost();
    }
  };
  const follow = ({ data }: MessageEvent<TabMessage>): void => {
    const [update, status, refusal, theirClaim, theyAreAway] = data;
    // A tab takes the lead with its first data, so one that cannot connect does not stop the others.
    if (theirClaim < claim || (theirClaim > claim && !update)) return;
    claim = theirClaim;
    close();
    receive(update);
    store.setStatus(status, refusal);
    if (theyAreAway && !isAway) open();
  };
  const lost = (failed = source, refusal?: SnapshotRefusal, retryAfterMs?: number): void => {
    if (failed !== source) return;
    source?.close();
    const backoffMs = (retryMs * 2 ** failures++) / (1 + Math.random());
    wait(open, Math.min(MAX_RETRY_MS, Math.max(retryAfterMs || 0, backoffMs)));
    const status = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
    store.setStatus(refusal ? 'refused' : status, refusal);
    if (source) post();
  };
  const leave = (type?: string): void => {
    clearTimeout(timer);
    close();
    channel?.close();
    channel = undefined;
    store.setStatus(type === 'end' ? 'offline' : 'reconnecting');
  };

  open();
  return (type) => {
    clearTimeout(hiddenTimer);
    const isLeaving = /hide|freeze|end/.test(type);
    isAway = isLeaving || globalThis.document?.hidden;
    if (isAway && source) post();
    if (isLeaving) leave(type);
    else if (isAway) hiddenTimer = setTimeout(leave, hiddenTimeoutMs);
    else if (!source || /line/.test(type) || Date.now() > dueAt) open();
  };
}
