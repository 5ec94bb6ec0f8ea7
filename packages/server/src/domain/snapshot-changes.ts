import type { EvaluationContext } from '@smooai/config';
import { changedKeys, type EnvironmentView } from './environment-view.ts';
import { createSnapshot, entryOf, type SnapshotEntry } from './snapshot.ts';

/** A server-sent event in UTF-8. Streams share the bytes: do not change them. */
export interface SnapshotEvent {
  readonly name: 'snapshot' | 'patch';
  readonly bytes: Uint8Array;
}

/** What a stream has: the entries of a view for its context, except for those that it missed. */
export interface Sent {
  readonly view: EnvironmentView;
  readonly missed?: Missed | undefined;
}

/** Changes for which a stream had no room. */
interface Missed {
  /** The revision of the last event that it was sent, or older. */
  readonly revision: number;
  /** The entries that it has for the keys that changed since. */
  readonly entries: ReadonlyMap<string, SnapshotEntry | undefined>;
}

/** How many events of a change are kept for the streams with the same entries. */
const MAX_SHARED = 8;
const GROUPS = ['public', 'flags', 'limits'] as const;

/**
 * The change to the newest view of an environment, for many streams. No entries of a stream are kept in memory: a view
 * always has the same ones for a context, so those for the changed keys are evaluated again.
 */
export class SnapshotChanges {
  /** What a stream has that misses nothing. */
  readonly sent: Sent;
  readonly #view: EnvironmentView;
  /** The keys whose entries differ from those of older views. Nearly all streams have the same older view. */
  readonly #keys = new WeakMap<EnvironmentView, ReadonlySet<string>>();
  readonly #patches = new Map<string, SnapshotEvent>();

  constructor(view: EnvironmentView) {
    this.#view = view;
    this.sent = { view };
  }

  /** The whole snapshot. */
  snapshot(context: EvaluationContext): SnapshotEvent {
    const snapshot = createSnapshot(this.#view, context);
    return toEvent('snapshot', snapshot.revision, JSON.stringify(snapshot));
  }

  /** What a stream has that has no room for the change now. */
  missedBy({ view, missed }: Sent, context: EvaluationContext): Sent {
    const entries = new Map(missed?.entries);
    for (const key of this.keysSince(view)) {
      if (!entries.has(key)) entries.set(key, entryOf(view, key, context));
    }
    return { view: this.#view, missed: { revision: revisionOf({ view, missed }), entries } };
  }

  /** The event for a stream; undefined if its entries are the same as before. */
  event(sent: Sent, context: EvaluationContext): SnapshotEvent | undefined {
    // The server's history is another one. A patch would be ignored as outdated.
    if (this.#view.environment.revision < revisionOf(sent)) return this.snapshot(context);
    const json = this.#patch(sent, context);
    if (json === undefined) return undefined;
    const known = this.#patches.get(json);
    if (known !== undefined) return known;
    const event = toEvent('patch', this.#view.revision, json);
    if (this.#patches.size < MAX_SHARED) this.#patches.set(json, event);
    return event;
  }

  /** The keys whose entries may differ between an older view and this one. */
  keysSince(view: EnvironmentView): ReadonlySet<string> {
    const known = this.#keys.get(view);
    if (known !== undefined) return known;
    const keys = changedKeys(view, this.#view);
    this.#keys.set(view, keys);
    return keys;
  }

  /** The `SnapshotPatch` for a stream, in JSON. */
  #patch({ view, missed }: Sent, context: EvaluationContext): string | undefined {
    const patch = new PatchJson();
    for (const [key, before] of missed?.entries ?? []) {
      patch.add(key, before, entryOf(this.#view, key, context));
    }
    for (const key of this.keysSince(view)) {
      if (missed?.entries.has(key)) continue;
      patch.add(key, entryOf(view, key, context), entryOf(this.#view, key, context));
    }
    return patch.build(this.#view.revision);
  }
}

function revisionOf({ view, missed }: Sent): number {
  return missed?.revision ?? view.environment.revision;
}

/** Collects the entries of a patch as JSON: with objects, a patch would take twice as long. */
class PatchJson {
  readonly #set: Entries = {};
  #deleted: Entries | undefined;
  #isEmpty = true;

  add(key: string, before: SnapshotEntry | undefined, after: SnapshotEntry | undefined): void {
    const entry = after && JSON.stringify(after.entry);
    const hasSameGroup = before?.group === after?.group;
    if (hasSameGroup && (before && JSON.stringify(before.entry)) === entry) return;
    this.#isEmpty = false;
    const name = JSON.stringify(key);
    if (before !== undefined && !hasSameGroup) {
      this.#deleted ??= {};
      append(this.#deleted, before.group, name);
    }
    if (after !== undefined) append(this.#set, after.group, `${name}:${entry}`);
  }

  /** Undefined if only the revision differs: that is not worth an event. */
  build(revision: string): string | undefined {
    if (this.#isEmpty) return undefined;
    let json = `{"revision":"${revision}"`;
    for (const group of GROUPS) {
      if (this.#set[group] !== undefined) json += `,"${group}":{${this.#set[group]}}`;
    }
    if (this.#deleted !== undefined) {
      const groups = Object.entries(this.#deleted).map(([group, names]) => `"${group}":[${names}]`);
      json += `,"deleted":{${groups.join()}}`;
    }
    return `${json}}`;
  }
}

/** The entries of each group, separated by commas. */
type Entries = Partial<Record<SnapshotEntry['group'], string>>;

function append(entries: Entries, group: SnapshotEntry['group'], text: string): void {
  const before = entries[group];
  entries[group] = before === undefined ? text : `${before},${text}`;
}

function toEvent(name: SnapshotEvent['name'], revision: string, json: string): SnapshotEvent {
  return { name, bytes: Buffer.from(`id: ${revision}\nevent: ${name}\ndata: ${json}\n\n`) };
}
