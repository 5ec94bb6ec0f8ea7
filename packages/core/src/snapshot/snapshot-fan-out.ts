import { sameJson } from '../lib/json.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { EvaluationContext, Snapshot, SnapshotPatch } from '../wire.ts';
import { diffSnapshots, GROUPS } from './snapshot-diff.ts';

/** Someone who gets a snapshot for one context, and then the changes to it. */
export interface SnapshotReader {
  readonly context: EvaluationContext;
  /** Whether it takes another event now. If not, call {@link SnapshotFanOut.catchUp} once it does. */
  hasRoom(): boolean;
  /** Gets a server-sent event in UTF-8. Readers with the same entries share the bytes: do not change them. */
  send(event: Uint8Array, name: 'snapshot' | 'patch'): void;
  /** Its changes could not be evaluated or sent. It gets no more events. */
  failed(error: unknown): void;
}

/** Changed keys, linked to the changes after them. A change that every reader has seen is garbage. */
interface Change {
  readonly keys: ReadonlySet<string>;
  next: Change | undefined;
}

interface Member {
  /** What the reader has now. It belongs to this member, and patches change it in place. */
  readonly sent: Snapshot;
  /** The newest change that was sent or noted in `missed`. */
  seen: Change;
  /** Keys that changed while the reader had no room. */
  missed: ReadonlySet<string> | undefined;
}

/** How many entries of a key are kept to be shared by readers; a rollout has one for each user. */
const MAX_SHARED = 8;
/** One turn of the event loop sends to at most this many readers: their sockets are written after the loop below. */
const READERS_PER_TURN = 100;
/** And takes at most about this long, in milliseconds. */
const TURN_MS = 10;

/**
 * Keeps the snapshots of many readers up to date. A change evaluates only the changed keys for each reader. The work is
 * done in short turns, so that other work of the process is not held up.
 */
export class SnapshotFanOut {
  readonly #take: (context: EvaluationContext, keys?: ReadonlySet<string>) => Snapshot;
  readonly #members = new Map<SnapshotReader, Member>();
  #newest: Change = { keys: new Set(), next: undefined };
  #isSending = false;
  /** Entries of each key that readers have now, so that equal ones are in memory once. */
  readonly #shared = new Map<string, unknown[]>();
  /** The last patch and its event: most readers get the same one. */
  #last: { patch: SnapshotPatch; event: Uint8Array } | undefined;

  /**
   * @param take - returns a new snapshot of the newest values, of all keys or at least of those given.
   */
  constructor(take: (context: EvaluationContext, keys?: ReadonlySet<string>) => Snapshot) {
    this.#take = take;
  }

  get size(): number {
    return this.#members.size;
  }

  /**
   * Sends the whole snapshot to a reader, and from then on each change.
   *
   * @throws if the snapshot cannot be taken.
   */
  add(reader: SnapshotReader): void {
    const sent = this.#take(reader.context);
    this.#share(sent);
    this.#members.set(reader, { sent, seen: this.#newest, missed: undefined });
    reader.send(toEvent('snapshot', sent), 'snapshot');
  }

  remove(reader: SnapshotReader): void {
    this.#members.delete(reader);
    if (this.#members.size === 0) this.#shared.clear();
  }

  /** Call it once `take` returns the new values. The first readers get the change before this returns. */
  changed(keys: ReadonlySet<string>): void {
    if (keys.size === 0 || this.#members.size === 0) return;
    for (const key of keys) this.#shared.delete(key);
    const change: Change = { keys, next: undefined };
    this.#newest.next = change;
    this.#newest = change;
    if (this.#isSending) return;
    this.#isSending = true;
    this.#sendAll(this.#members.entries(), change);
  }

  /** The reader has room again: sends what it missed as one patch. */
  catchUp(reader: SnapshotReader): void {
    const member = this.#members.get(reader);
    if (member?.missed !== undefined) this.#update(reader, member);
  }

  /** @param target - the newest change when the round began. */
  #sendAll(members: IterableIterator<[SnapshotReader, Member]>, target: Change): void {
    const endsAt = performance.now() + TURN_MS;
    let left = READERS_PER_TURN;
    for (let step = members.next(); !step.done; step = members.next()) {
      const [reader, member] = step.value;
      if (member.seen === this.#newest) continue;
      this.#update(reader, member);
      left--;
      if (left > 0 && performance.now() < endsAt) continue;
      setTimeout(() => this.#sendAll(members, target), 0);
      return;
    }
    if (this.#newest !== target) {
      this.#sendAll(this.#members.entries(), this.#newest);
      return;
    }
    this.#last = undefined;
    this.#isSending = false;
  }

  #update(reader: SnapshotReader, member: Member): void {
    const keys = changedSince(member);
    member.seen = this.#newest;
    try {
      member.missed = reader.hasRoom() ? undefined : keys;
      if (member.missed === undefined) this.#send(reader, member, keys);
    } catch (error) {
      this.#members.delete(reader);
      reader.failed(error);
    }
  }

  #send(reader: SnapshotReader, member: Member, keys: ReadonlySet<string>): void {
    const { sent } = member;
    const next = this.#take(reader.context, keys);
    // The revision went back, since the server's history is another one. A patch would be ignored as outdated.
    if (isOlderRevision(next.revision, sent.revision)) {
      Object.assign(sent, this.#take(reader.context));
      reader.send(toEvent('snapshot', sent), 'snapshot');
      return;
    }
    const patch = diffSnapshots(sent, next, keys);
    sent.revision = next.revision;
    if (patch === undefined) return;
    if (this.#last === undefined || !sameJson(this.#last.patch, patch)) {
      this.#last = { patch, event: toEvent('patch', patch) };
    }
    applyTo(sent, this.#last.patch);
    reader.send(this.#last.event, 'patch');
  }

  /** Replaces entries by equal ones that other readers have. */
  #share(snapshot: Snapshot): void {
    for (const group of GROUPS) {
      const entries: Record<string, unknown> = snapshot[group];
      for (const [key, entry] of Object.entries(entries)) {
        const known = this.#shared.get(key) ?? [];
        const same = known.find((one) => sameJson(one, entry));
        if (same !== undefined) entries[key] = same;
        else if (known.length < MAX_SHARED) this.#shared.set(key, [...known, entry]);
      }
    }
  }
}

/** The keys that changed since the reader was last sent to. */
function changedSince({ seen, missed }: Member): ReadonlySet<string> {
  const { next } = seen;
  // Nearly always there is one change, and all readers share its set.
  if (missed === undefined && next !== undefined && next.next === undefined) return next.keys;
  const keys = new Set(missed);
  for (let change = next; change !== undefined; change = change.next) {
    for (const key of change.keys) keys.add(key);
  }
  return keys;
}

function applyTo(snapshot: Snapshot, patch: SnapshotPatch): void {
  for (const group of GROUPS) {
    const entries: Record<string, unknown> = snapshot[group];
    Object.assign(entries, patch[group]);
    for (const key of patch.deleted?.[group] ?? []) delete entries[key];
  }
}

function toEvent(name: 'snapshot' | 'patch', data: Snapshot | SnapshotPatch): Uint8Array {
  return new TextEncoder().encode(`id: ${data.revision}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
