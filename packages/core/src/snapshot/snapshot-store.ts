import type { Snapshot, SnapshotPatch } from '../wire.ts';
import { applySnapshotPatch, GROUPS, isEqual } from './snapshot-diff.ts';

/** The groups of a snapshot. */
export type SnapshotGroup = 'public' | 'flags' | 'limits';

/** `connecting` first, `live` while changes arrive, `reconnecting` after a loss, `offline` without a source. */
export type SnapshotStatus = 'connecting' | 'live' | 'reconnecting' | 'offline';

/** One answer that differs from the one before; `key` is `flags.newCheckout`. */
export interface SnapshotKeyChange {
  key: string;
  /** The value before; undefined where there was none. */
  from: unknown;
  /** The value now, which equals `from` where only the reason for it changed; undefined where the key is gone. */
  to: unknown;
}

/** What one update changed. */
export interface SnapshotChange {
  revision: string;
  /** Every key whose answer changed: `flags.newCheckout`. */
  keys: string[];
  changes: SnapshotKeyChange[];
  /** Epoch milliseconds. */
  at: number;
  /** Whether it is the first snapshot of a store that had none. */
  initial: boolean;
}

type Listener = (change: SnapshotChange) => void;

const ANY = '*';
const STATUS = '?';

/**
 * The newest snapshot of a browser, and who wants to know about which key of it.
 * An answer that did not change keeps its identity and notifies nobody.
 */
export class SnapshotStore {
  /** What the store was made with: the snapshot of the server's HTML, which hydration must read. */
  readonly initial: Snapshot | undefined;
  /** The status that the store was made with. */
  readonly initialStatus: SnapshotStatus;
  #snapshot: Snapshot | undefined;
  #status: SnapshotStatus;
  readonly #listeners = new Map<string, Set<Listener>>();

  /**
   * Calls `listener` after each update that changed something, once for all keys together, until the answered function
   * is called. It can be passed on without its store.
   */
  readonly subscribeAll: (listener: (change: SnapshotChange) => void) => () => void = (listener) =>
    this.#on(ANY, listener);

  /** Calls `listener` after each change of `status`, in the same way. */
  readonly subscribeStatus: (listener: () => void) => () => void = (listener) => this.#on(STATUS, listener);

  constructor(initial?: Snapshot, status: SnapshotStatus = 'offline') {
    this.initial = this.#snapshot = initial;
    this.initialStatus = this.#status = status;
  }

  /** The newest snapshot; undefined until the first. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Whether changes arrive. */
  get status(): SnapshotStatus {
    return this.#status;
  }

  set status(status: SnapshotStatus) {
    if (this.#status === status) return;
    this.#status = status;
    this.#notify(STATUS);
  }

  /** The value of a key now; undefined where the snapshot has no such key. */
  value(group: SnapshotGroup, key: string): unknown {
    return snapshotValue(this.#snapshot, group, key);
  }

  /** Calls `listener` after each change of that key (`flags.newCheckout`) until the answered function is called. */
  subscribe(key: string, listener: () => void): () => void {
    return this.#on(key, listener);
  }

  /** Takes the snapshot unless it is older than the one at hand. */
  offer(snapshot: Snapshot): void {
    if (!isOlder(snapshot, this.#snapshot)) this.replace(snapshot);
  }

  /** Takes the patch unless it is older than the snapshot at hand, or there is none to apply it to. */
  patch(patch: SnapshotPatch): void {
    const snapshot = this.#snapshot;
    if (snapshot && !isOlder(patch, snapshot)) this.replace(applySnapshotPatch(snapshot, patch));
  }

  /** Takes the snapshot whatever its revision: a server with another history may count from below. */
  replace(next: Snapshot): void {
    const previous = this.#snapshot;
    if (next === previous) return;
    const changes: SnapshotKeyChange[] = [];
    const taken: Snapshot = { ...next };
    for (const group of GROUPS) Object.assign(taken, { [group]: merge(group, previous, next, changes) });
    this.#snapshot = taken;
    if (changes.length === 0) return;
    const keys = changes.map((change) => change.key);
    const change = {
      revision: next.revision,
      keys,
      changes,
      at: Date.now(),
      initial: previous === undefined,
    };
    for (const key of keys) this.#notify(key, change);
    this.#notify(ANY, change);
  }

  #on(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    // A function of its own for each call, so that subscribing the same one twice is ended once for each.
    const entry: Listener = (change) => listener(change);
    this.#listeners.set(name, listeners.add(entry));
    return () => {
      listeners.delete(entry);
    };
  }

  #notify(name: string, change?: SnapshotChange): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(change as SnapshotChange);
      } catch (error) {
        // One bad listener must not keep the news from the others; it still shows up as uncaught.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** The value of a key in a snapshot; undefined where it has no such key. */
export function snapshotValue(snapshot: Snapshot | undefined, group: SnapshotGroup, key: string): unknown {
  const answers: Readonly<Record<string, unknown>> = snapshot?.[group] ?? {};
  if (!Object.hasOwn(answers, key)) return undefined;
  const answer = answers[key];
  return group === 'public' ? answer : (answer as { value?: unknown } | null)?.value;
}

/** The group after an update: what is equal keeps its identity; what is not is added to `changes`. */
function merge(
  group: SnapshotGroup,
  previous: Snapshot | undefined,
  next: Snapshot,
  changes: SnapshotKeyChange[],
): Readonly<Record<string, unknown>> {
  const before: Readonly<Record<string, unknown>> | undefined = previous?.[group];
  const merged: Record<string, unknown> = { ...next[group] };
  const already = changes.length;
  for (const key of Object.keys({ ...before, ...merged })) {
    if (before && isEqual(before[key], merged[key])) {
      merged[key] = before[key];
      continue;
    }
    const from = snapshotValue(previous, group, key);
    let to = snapshotValue(next, group, key);
    const answer = merged[key];
    if (isEqual(from, to) && typeof answer === 'object') {
      // Another reason for the same value: the value keeps its identity.
      to = from;
      merged[key] = { ...answer, value: from };
    }
    changes.push({ key: `${group}.${key}`, from, to });
  }
  return before && changes.length === already ? before : merged;
}

/** Revisions are decimal strings without leading zeros, of any length. */
function isOlder({ revision }: { revision: string }, than: { revision: string } | undefined): boolean {
  if (than === undefined) return false;
  const longer = revision.length - than.revision.length;
  return longer < 0 || (longer === 0 && revision < than.revision);
}
