import { sameJson } from '../lib/json.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';

/** The groups of a snapshot. */
export type SnapshotGroup = 'public' | 'flags' | 'limits';

/**
 * `connecting`: waiting for the first snapshot; `live`: changes arrive; `reconnecting`: the connection was lost;
 * `refused`: the server does not accept the request, see {@link SnapshotStore.refusal}; `offline`: not connected.
 */
export type SnapshotStatus = 'connecting' | 'live' | 'reconnecting' | 'refused' | 'offline';

/** Why the server does not send values to this page. */
export interface SnapshotRefusal {
  /** The HTTP status, such as 401 for a wrong key. */
  status: number;
  /** The server's reason and remedy, such as "This publishable key does not allow the origin of the request." */
  message: string;
}

/** One key that an update changed. */
export interface SnapshotKeyChange {
  /** Such as `flags.newCheckout`. */
  key: string;
  /** The previous value; undefined if there was none. */
  from: unknown;
  /** The new value. Equal to `from` if only the reason changed, such as the rule. */
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
type Entries = Record<string, unknown>;

const ANY = '*';
const STATUS = '?';
const GROUPS = ['public', 'flags', 'limits'] as const;

/**
 * Holds the newest values in a browser and notifies listeners by key. An entry that did not change keeps its identity,
 * and its listeners are not called. A key that a newer snapshot does not have keeps its last value, so a page that
 * relies on it does not break while it is open. The store freezes the values that it is given: readers share them.
 */
export class SnapshotStore {
  /** The snapshot that the store was created with. The server's HTML was rendered from it, so hydration must read it. */
  readonly initial: Snapshot | undefined;
  /** The status that the store was created with. */
  readonly initialStatus: SnapshotStatus;
  #revision: string | undefined;
  #status: SnapshotStatus;
  #refusal: SnapshotRefusal | undefined;
  /** The entries that differ from `initial`: an update costs what it changes, however many keys there are. */
  readonly #changed = { public: emptyEntries(), flags: emptyEntries(), limits: emptyEntries() };
  /** Built from `initial` and `#changed` when it is read. */
  #snapshot: Snapshot | undefined;
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
    this.initial = initial;
    this.#revision = initial?.revision;
    this.initialStatus = this.#status = status;
  }

  /** The revision of the newest snapshot; undefined before the first. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** All values; undefined before the first snapshot. The same object until something changes. */
  get snapshot(): Snapshot | undefined {
    if (this.#snapshot === undefined && this.#revision !== undefined) {
      const merged: Record<string, unknown> = { revision: this.#revision };
      for (const group of GROUPS) merged[group] = { ...this.initial?.[group], ...this.#changed[group] };
      this.#snapshot = deeplyFrozen(merged as unknown as Snapshot);
    }
    return this.#snapshot;
  }

  /** The state of the source, which sets it. */
  get status(): SnapshotStatus {
    return this.#status;
  }

  set status(status: SnapshotStatus) {
    this.#setStatus(status);
  }

  /** The server's reason while the status is `refused`. */
  get refusal(): SnapshotRefusal | undefined {
    return this.#refusal;
  }

  /** Sets the status `refused`. The values stay. */
  refuse(refusal: SnapshotRefusal): void {
    this.#setStatus('refused', refusal);
  }

  /** The value of a key; undefined if no snapshot had it. */
  value(group: SnapshotGroup, key: string): unknown {
    return valueOf(group, this.entry(group, key));
  }

  /** A public value, or the evaluation of a flag or limit; undefined if no snapshot had the key. */
  entry(group: SnapshotGroup, key: string): unknown {
    const changed = this.#changed[group];
    return key in changed ? changed[key] : snapshotEntry(this.initial, group, key);
  }

  /** Calls `listener` after each change of a key, such as `flags.newCheckout`. Returns an unsubscribe function. */
  subscribe(key: string, listener: () => void): () => void {
    return this.#on(key, listener);
  }

  /** Applies a snapshot, unless it is older than the current one. */
  offer(snapshot: Snapshot): void {
    if (!isOlderRevision(snapshot.revision, this.#revision ?? '0')) this.replace(snapshot);
  }

  /** Applies a patch, unless it is older than the current snapshot. Does nothing before the first snapshot. */
  patch(patch: SnapshotPatch): void {
    if (this.#revision !== undefined && !isOlderRevision(patch.revision, this.#revision)) this.#apply(patch);
  }

  /** Applies a snapshot whatever its revision: a server with another history may count from a lower one. */
  replace(next: Snapshot): void {
    if (next !== this.#snapshot) this.#apply(next);
  }

  #apply(next: SnapshotPatch): void {
    const initial = this.#revision === undefined;
    const { revision } = next;
    const changes: SnapshotKeyChange[] = [];
    for (const group of GROUPS) {
      for (const [key, entry] of Object.entries(next[group] ?? {})) {
        const change = this.#set(group, key, entry);
        if (change) changes.push(change);
      }
    }
    this.#revision = revision;
    this.#snapshot = undefined;
    if (changes.length === 0 && !initial) return;
    const keys = changes.map((change) => change.key);
    const change = { revision, keys, changes, at: Date.now(), initial };
    for (const key of keys) this.#notify(key, change);
    this.#notify(ANY, change);
  }

  #set(group: SnapshotGroup, key: string, next: unknown): SnapshotKeyChange | undefined {
    const previous = this.entry(group, key);
    if (sameJson(previous, next)) return undefined;
    const from = valueOf(group, previous);
    let to = valueOf(group, next);
    // If only the reason changed, the value keeps its identity.
    const hasSameValue = group !== 'public' && sameJson(from, to);
    if (hasSameValue) to = from;
    this.#changed[group][key] = deeplyFrozen(hasSameValue ? { ...(next as object), value: from } : next);
    return { key: `${group}.${key}`, from, to };
  }

  #setStatus(status: SnapshotStatus, refusal?: SnapshotRefusal): void {
    const isSame = this.#status === status && sameJson(this.#refusal, refusal);
    this.#status = status;
    this.#refusal = refusal;
    if (!isSame) this.#notify(STATUS);
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

/** A public value, or the evaluation of a flag or limit, in a snapshot; undefined if the snapshot does not have it. */
export function snapshotEntry(snapshot: Snapshot | undefined, group: SnapshotGroup, key: string): unknown {
  const entries: Entries | undefined = snapshot?.[group];
  return entries && Object.hasOwn(entries, key) ? deeplyFrozen(entries[key]) : undefined;
}

/** The value of a key in a snapshot; undefined if the snapshot does not have it. */
export function snapshotValue(snapshot: Snapshot | undefined, group: SnapshotGroup, key: string): unknown {
  return valueOf(group, snapshotEntry(snapshot, group, key));
}

function valueOf(group: SnapshotGroup, entry: unknown): unknown {
  return group === 'public' ? entry : (entry as { value?: unknown } | null | undefined)?.value;
}

/** Without a prototype, so that a key such as `__proto__` is an ordinary one. */
function emptyEntries(): Entries {
  return Object.create(null) as Entries;
}

/** Freezes JSON in place. Frozen values are skipped: the store froze them before, or they are primitives. */
function deeplyFrozen<Value>(value: Value): Value {
  if (!Object.isFrozen(value)) Object.values(Object.freeze(value) as object).forEach(deeplyFrozen);
  return value;
}
