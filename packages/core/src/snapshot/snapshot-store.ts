import { sameJson } from '../lib/json.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';
import { applySnapshotPatch, GROUPS } from './snapshot-diff.ts';

/** The groups of a snapshot. */
export type SnapshotGroup = 'public' | 'flags' | 'limits';

/**
 * `connecting`: waiting for the first snapshot; `live`: changes arrive; `reconnecting`: the connection was lost;
 * `offline`: not connected to a source.
 */
export type SnapshotStatus = 'connecting' | 'live' | 'reconnecting' | 'offline';

/** One key that an update changed. */
export interface SnapshotKeyChange {
  /** Such as `flags.newCheckout`. */
  key: string;
  /** The previous value; undefined if there was none. */
  from: unknown;
  /** The new value; undefined if the key is gone. Equal to `from` if only the reason changed, such as the rule. */
  to: unknown;
}

/** What one update changed. */
export interface SnapshotChange {
  revision: string;
  /** The keys that changed, such as `flags.newCheckout`. */
  keys: string[];
  changes: SnapshotKeyChange[];
  /** Epoch milliseconds. */
  at: number;
  /** Whether this is the store's first snapshot. */
  initial: boolean;
}

type Listener = (change: SnapshotChange) => void;

const ANY = '*';
const STATUS = '?';

/**
 * Holds the newest snapshot in a browser and notifies listeners by key. An entry that did not change keeps its
 * identity, and its listeners are not called. The store freezes the snapshots that it is given: readers share their values.
 */
export class SnapshotStore {
  /** The snapshot that the store was created with. The server's HTML was rendered from it, so hydration must read it. */
  readonly initial: Snapshot | undefined;
  /** The status that the store was created with. */
  readonly initialStatus: SnapshotStatus;
  #snapshot: Snapshot | undefined;
  #status: SnapshotStatus;
  readonly #listeners = new Map<string, Set<Listener>>();

  /**
   * Calls `listener` once for each update that changed something. Returns an unsubscribe function. Bound to the
   * store, so it can be passed as a callback.
   */
  readonly subscribeAll: (listener: (change: SnapshotChange) => void) => () => void = (listener) =>
    this.#on(ANY, listener);

  /** Calls `listener` after each change of `status`. Returns an unsubscribe function. Bound to the store. */
  readonly subscribeStatus: (listener: () => void) => () => void = (listener) => this.#on(STATUS, listener);

  constructor(initial?: Snapshot, status: SnapshotStatus = 'offline') {
    this.initial = this.#snapshot = deeplyFrozen(initial);
    this.initialStatus = this.#status = status;
  }

  /** The newest snapshot; undefined before the first. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The state of the source, which sets it. */
  get status(): SnapshotStatus {
    return this.#status;
  }

  set status(status: SnapshotStatus) {
    if (this.#status === status) return;
    this.#status = status;
    this.#notify(STATUS);
  }

  /** The value of a key; undefined if the snapshot does not have it. */
  value(group: SnapshotGroup, key: string): unknown {
    return snapshotValue(this.#snapshot, group, key);
  }

  /** Calls `listener` after each change of a key, such as `flags.newCheckout`. Returns an unsubscribe function. */
  subscribe(key: string, listener: () => void): () => void {
    return this.#on(key, listener);
  }

  /** Applies a snapshot, unless it is older than the current one. */
  offer(snapshot: Snapshot): void {
    const isOutdated = isOlderRevision(snapshot.revision, this.#snapshot?.revision ?? '0');
    if (!isOutdated) this.replace(snapshot);
  }

  /** Applies a patch, unless it is older than the current snapshot. Does nothing before the first snapshot. */
  patch(patch: SnapshotPatch): void {
    if (this.#snapshot) this.offer(applySnapshotPatch(this.#snapshot, patch));
  }

  /** Applies a snapshot whatever its revision: a server with another history may count from a lower one. */
  replace(next: Snapshot): void {
    const previous = this.#snapshot;
    if (next === previous) return;
    const changes: SnapshotKeyChange[] = [];
    const merged: Snapshot = { ...next };
    for (const group of GROUPS) merged[group] = merge(group, previous, next, changes) as never;
    this.#snapshot = deeplyFrozen(merged);
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
    // Wrapped, so that a function that is subscribed twice is called twice, and each subscription ends on its own.
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
        // An error in one listener must not keep the others from the change. It is reported as an uncaught error.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** The value of a key in a snapshot; undefined if the snapshot does not have it. */
export function snapshotValue(snapshot: Snapshot | undefined, group: SnapshotGroup, key: string): unknown {
  const answers: Readonly<Record<string, unknown>> = snapshot?.[group] ?? {};
  if (!Object.hasOwn(answers, key)) return undefined;
  const answer = answers[key];
  return group === 'public' ? answer : (answer as { value?: unknown } | null)?.value;
}

/** Freezes JSON in place. Frozen values are skipped: the store froze them before, or they are primitives. */
function deeplyFrozen<Value>(value: Value): Value {
  if (!Object.isFrozen(value)) Object.values(Object.freeze(value) as object).forEach(deeplyFrozen);
  return value;
}

/** A group after an update: equal entries keep their identity, the others are added to `changes`. */
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
    if (before && sameJson(before[key], merged[key])) {
      merged[key] = before[key];
      continue;
    }
    const from = snapshotValue(previous, group, key);
    let to = snapshotValue(next, group, key);
    const answer = merged[key];
    if (sameJson(from, to) && typeof answer === 'object') {
      // Only the reason changed: the value keeps its identity.
      to = from;
      merged[key] = { ...answer, value: from };
    }
    changes.push({ key: `${group}.${key}`, from, to });
  }
  return before && changes.length === already ? before : merged;
}
