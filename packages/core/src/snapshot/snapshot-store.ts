import { stableJson } from '../lib/json.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { Evaluation, Snapshot, SnapshotPatch } from '../wire.ts';

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

const ANY = '*';
const STATUS = '?';
/** The names of the groups. */
export const GROUPS = ['public', 'flags', 'limits'] as const;

/**
 * Holds the newest values in a browser and notifies listeners by key. An entry that did not change keeps its identity,
 * and its listeners are not called. A key that a newer snapshot does not have keeps its last value, so a page that
 * relies on it does not break while it is open. The store freezes the values that it is given: readers share them.
 */
export class SnapshotStore {
  // `declare`: `#set` assigns these fields, and a field without a value would be code in every bundle.
  /** The snapshot that the store was created with. The server's HTML was rendered from it, so hydration must read it. */
  declare readonly initial: Snapshot | undefined;
  /** The status that the store was created with. */
  declare readonly initialStatus: SnapshotStatus;
  /** The revision of the newest snapshot; undefined before the first. */
  declare readonly revision: string | undefined;
  /** The state of the source, which sets it with {@link SnapshotStore.setStatus}. */
  declare readonly status: SnapshotStatus;
  /** When the status changed last, in epoch milliseconds; undefined before the first change. */
  declare readonly statusAt: number | undefined;
  /** The server's reason while the status is `refused`. */
  declare readonly refusal: SnapshotRefusal | undefined;
  /** The newest entries. Without a prototype: a key can have the name of one of its properties. */
  private readonly entries = {} as Record<SnapshotGroup, Record<string, unknown>>;
  readonly #listeners = new Map<string, Set<Listener>>();

  /**
   * Calls `listener` once for each update that changed something. Returns an unsubscribe function. Bound to the
   * store, so it can be passed as a callback.
   */
  readonly subscribeAll: (listener: (change: SnapshotChange) => void) => () => void = (listener) =>
    this.subscribe(ANY, listener as () => void);

  /** Calls `listener` after each change of `status`. Returns an unsubscribe function. Bound to the store. */
  readonly subscribeStatus: (listener: () => void) => () => void = (listener) =>
    this.subscribe(STATUS, listener);

  constructor(initial?: Snapshot, status: SnapshotStatus = 'offline') {
    this.#set({ initial, revision: initial?.revision, initialStatus: status, status });
    for (const group of GROUPS) this.entries[group] = { __proto__: null, ...initial?.[group] };
  }

  /** Sets the status, and the reason for `refused`. The values stay. */
  setStatus(status: SnapshotStatus, refusal?: SnapshotRefusal): void {
    if (status === this.status && refusal?.message === this.refusal?.message) return;
    this.#set({ status, refusal, statusAt: Date.now() });
    this.#notify(STATUS);
  }

  /** Sets fields that are read-only for everyone else. */
  #set(fields: Partial<SnapshotStore>): void {
    Object.assign(this, fields);
  }

  /** The value of a key; undefined if no snapshot had it. */
  value(group: SnapshotGroup, key: string): unknown {
    return entryValue(group, this.entry(group, key));
  }

  /** A public value, or the evaluation of a flag or limit; undefined if no snapshot had the key. */
  entry(group: SnapshotGroup, key: string): unknown {
    return deeplyFrozen(this.entries[group][key]);
  }

  /**
   * Calls `listener` after each change of a key, such as `flags.newCheckout`, or of the `revision`. Returns an unsubscribe
   * function.
   */
  subscribe(key: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    // Wrapped, so that a function that is subscribed twice is called twice, and each subscription ends on its own.
    const entry: Listener = (change) => (listener as Listener)(change);
    this.#listeners.set(key, listeners.add(entry));
    return () => {
      listeners.delete(entry);
    };
  }

  /** Applies a snapshot, unless it is older than the current one. */
  offer(snapshot: Snapshot): void {
    if (!isOlderRevision(snapshot.revision, this.revision ?? '')) this.replace(snapshot);
  }

  /** Applies a patch, unless it is older than the current snapshot. Does nothing before the first snapshot. */
  patch(patch: SnapshotPatch): void {
    if (this.revision !== undefined) this.offer(patch as Snapshot);
  }

  /** Applies a snapshot whatever its revision: a server with another history may count from a lower one. */
  replace(next: Snapshot): void {
    const initial = this.revision === undefined;
    const { revision } = next;
    const changes: SnapshotKeyChange[] = [];
    for (const group of GROUPS) {
      // A patch has only the groups that changed.
      for (const [key, entry] of Object.entries(next[group] ?? {})) {
        const previous = this.entry(group, key);
        const from = entryValue(group, previous);
        let to = entryValue(group, entry);
        if (isSame(from, to)) {
          if (isSame(previous, entry)) continue;
          // Only the reason changed: the value keeps its identity.
          to = from;
        }
        this.entries[group][key] = deeplyFrozen(
          group === 'public' ? to : { ...(entry as Evaluation), value: to },
        );
        changes.push({ key: `${group}.${key}`, from, to });
      }
    }
    const isNews = revision !== this.revision;
    this.#set({ revision });
    // Also if nothing else has changed, or only a secret.
    if (isNews) this.#notify('revision');
    if (!changes[0] && !initial) return;
    const keys = changes.map(({ key }) => key);
    const change = { revision, keys, changes, at: Date.now(), initial };
    for (const name of [...keys, ANY]) this.#notify(name, change);
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

/**
 * All values of a store, in a new object; undefined before the first snapshot. A function rather than a method, so that
 * only bundles that use it contain it.
 */
export function currentSnapshot(store: SnapshotStore): Snapshot | undefined {
  const { revision } = store;
  if (revision === undefined) return undefined;
  // biome-ignore lint/complexity/useLiteralKeys: the field is private outside of this module
  const entries = store['entries'];
  const groups = GROUPS.map((group) => [group, { ...entries[group] }]);
  return deeplyFrozen({ revision, ...Object.fromEntries(groups) });
}

/** A public value, or the evaluation of a flag or limit, in a snapshot; undefined if the snapshot does not have it. */
export function snapshotEntry(
  snapshot: { readonly [group in SnapshotGroup]?: object | undefined } | undefined,
  group: SnapshotGroup,
  key: string,
): unknown {
  const entries = snapshot?.[group] as Record<string, unknown> | undefined;
  return entries && Object.hasOwn(entries, key) ? deeplyFrozen(entries[key]) : undefined;
}

/** The value of an entry: a public value itself, and what a flag or limit was evaluated to. */
export function entryValue(group: SnapshotGroup, entry: unknown): unknown {
  return group === 'public' ? entry : (entry as Evaluation | undefined)?.value;
}

/** Whether two JSON values are equal. The order of properties does not matter. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right || (typeof left === 'object' && stableJson(left) === stableJson(right));
}

/** Freezes JSON in place. Frozen values are skipped: the store froze them before, or they are primitives. */
function deeplyFrozen<Value>(value: Value): Value {
  if (!Object.isFrozen(value)) Object.values(Object.freeze(value) as object).forEach(deeplyFrozen);
  return value;
}
