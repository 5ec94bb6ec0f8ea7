import { isOlderRevision } from '../lib/revision.ts';
import type { Snapshot } from '../wire.ts';
import type { SnapshotRefusal, SnapshotStatus, SnapshotStore } from './snapshot-store.ts';
import { openStream } from './snapshot-stream.ts';
import { isUpdate } from './snapshot-update.ts';

/** Options of a stream that tabs share; times are in milliseconds. */
export interface SharedStreamOptions {
  /** The context as stable JSON. A server that knows its user by a cookie has the same URL for other users. */
  context: string;
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
  isAway: boolean | undefined,
];

const MAX_RETRY_MS = 30_000;
/** The longest delay of a timer; with a longer one, such as Infinity, it would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Keeps a store up to date together with all tabs of the origin with the same URL and context, because browsers allow six
 * connections to a server over HTTP/1.1. The leading tab has the stream, and posts each event to the others. A tab takes
 * the lead by opening a stream of its own: when it starts, when it is seen, when the leading tab goes away or crashes, and
 * when it has received nothing for too long. The stream begins with a whole snapshot, so nothing is lost in between.
 *
 * Returns a function to call with each event of {@link followPage}.
 */
export function shareStream(
  url: string,
  store: SnapshotStore,
  { context, retryMs = 1_000, silenceTimeoutMs = 45_000, hiddenTimeoutMs = 120_000 }: SharedStreamOptions,
): (type: string) => void {
  const name = `smooai-config ${url} ${context}`;
  let channel: BroadcastChannel | undefined;
  /** Gives up the lock of the leading tab, or the wait for it. */
  let unlock: AbortController | undefined;
  /** The stream of the leading tab. It stays after a failure, until the next attempt. */
  let source: EventSource | undefined;
  /** When the leading tab opened its stream. If two tabs have a stream, the one with the lower claim gives way. */
  let claim = 0;
  /** Whether this tab is hidden or about to be gone, so that one that is seen takes the lead. */
  let isAway: boolean | undefined;
  let failures = 0;
  /** Whether silence means nothing, because a stream with events became silent or was lost, and none has had a ping yet. */
  let lacksPings: boolean | undefined;
  let timer: ReturnType<typeof setTimeout>;
  let hiddenTimer: ReturnType<typeof setTimeout>;
  /** When `timer` runs out. A sleeping machine stops timers, but not the clock. */
  let dueAt: number;

  const wait = (next: () => void, ms: number): void => {
    clearTimeout(timer);
    dueAt = Date.now() + ms;
    timer = setTimeout(next, Math.min(ms, MAX_DELAY_MS));
  };
  const post = (data?: unknown): void =>
    channel?.postMessage([data, store.status, store.refusal, claim, isAway] satisfies TabMessage);
  const receive = (data: unknown): void => {
    if (!data) lacksPings = false;
    wait(lost, lacksPings ? MAX_DELAY_MS : silenceTimeoutMs);
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
  /** The leading tab holds a Web Lock. The browser passes it on if that tab crashes, so that nobody waits for the silence. */
  const lock = (isLeading: boolean): void => {
    unlock?.abort();
    unlock = new AbortController();
    const { signal } = unlock;
    const given = new Promise((resolve) => signal.addEventListener('abort', resolve));
    globalThis.navigator?.locks
      ?.request(name, isLeading ? { steal: true } : { signal }, () => (isLeading ? given : isAway || open()))
      // Given up, taken by the next leading tab, or not allowed in this frame.
      .catch(() => {});
  };
  const open = (): void => {
    // Above the claim it followed, even if the clock went back. The fraction tells apart tabs of the same millisecond.
    if (!source) {
      claim = Math.max(claim, Date.now()) + Math.random();
      lock(true);
    }
    close();
    try {
      // Through `globalThis`: Next warns about other uses of it in code that it also bundles for the edge.
      channel ??= new globalThis.BroadcastChannel(name);
      channel.onmessage = follow;
    } catch {
      // The browser does not have it, or does not allow it, as Firefox where the user blocks cookies.
    }
    wait(lost, silenceTimeoutMs);
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
  /**
   * Whether this tab can follow another stream from this update on: a whole snapshot, or a patch to the revision that it
   * has. Patches to a snapshot that it never got would mix old and new values.
   */
  const canFollowFrom = (update: Partial<Snapshot> | undefined): boolean =>
    isUpdate(update, update?.revision === store.revision) &&
    // While its own stream, or the one it follows, is ahead, it stays with that: values do not go back.
    !(store.status === 'live' && isOlderRevision(update.revision, `${store.revision}`));
  const follow = ({ data }: MessageEvent<TabMessage>): void => {
    // Not `<`: what a page of another build posts may have no claim.
    if (!(data?.[3] >= claim)) return;
    const [update, status, refusal, theirClaim, theyAreAway] = data;
    // A tab takes the lead with its first snapshot, so one that cannot connect does not stop the others.
    if (theirClaim > claim) {
      if (!canFollowFrom(update as Partial<Snapshot> | undefined)) return;
      lock(false);
    }
    claim = theirClaim;
    close();
    receive(update);
    store.setStatus(status, refusal);
    if (theyAreAway && !isAway) open();
  };
  const lost = (failed = source, refusal?: SnapshotRefusal, retryAfterMs?: number): void => {
    if (failed !== source) return;
    source?.close();
    if (store.status === 'live') lacksPings ??= true;
    const backoffMs = Math.min(MAX_RETRY_MS, retryMs * 2 ** failures++) / (1 + Math.random());
    // The sum, because the server asks all pages to wait for the same time.
    wait(open, backoffMs + Math.min(MAX_RETRY_MS, Math.max(0, retryAfterMs || 0)));
    const status = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
    store.setStatus(refusal ? 'refused' : status, refusal);
    if (source) post();
  };
  const leave = (type?: string): void => {
    clearTimeout(timer);
    unlock?.abort();
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
    else if (isAway) hiddenTimer = setTimeout(leave, Math.min(hiddenTimeoutMs, MAX_DELAY_MS));
    else if (!source || /line/.test(type) || Date.now() > dueAt) open();
  };
}
