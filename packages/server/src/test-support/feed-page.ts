import type { EvaluationContext, Snapshot, SnapshotPatch } from '@smooai/config';
import type { FeedReader, SnapshotFeeds } from '../domain/snapshot-feeds.ts';

const GROUPS = ['public', 'flags', 'limits'] as const;
/** Longer than a turn: the next stream is served in another one. */
const HEAVY_MS = 11;

/** A server-sent event as a feed gives it to its reader. */
export interface FeedEvent {
  name: 'snapshot' | 'patch';
  bytes: Uint8Array;
}

export interface FeedPageOptions {
  environmentId: string;
  context: EvaluationContext;
  /** Whether serving it ends the turn. */
  isHeavy?: boolean;
  environments?: string[] | undefined;
  /** Called for each event; what it throws is a fault. */
  received: (page: FeedPage, event: FeedEvent) => void;
  fault: (error: unknown) => void;
}

/** A reader of a snapshot feed that applies its events, as a page does, and whose socket may be full. */
export class FeedPage implements FeedReader {
  readonly environmentId: string;
  readonly principal: FeedReader['principal'];
  snapshot: Snapshot | undefined;
  isEnded = false;
  readonly #options: FeedPageOptions;
  #isFull = false;
  #feed: ReturnType<SnapshotFeeds['open']> | undefined;

  constructor(options: FeedPageOptions) {
    this.#options = options;
    this.environmentId = options.environmentId;
    this.principal = { environments: options.environments };
  }

  /** The context, without the time that `context` takes. */
  get attributes(): EvaluationContext {
    return this.#options.context;
  }

  get context(): EvaluationContext {
    const endsAtMs = performance.now() + (this.#options.isHeavy === true ? HEAVY_MS : 0);
    while (performance.now() < endsAtMs);
    return this.#options.context;
  }

  open(feeds: SnapshotFeeds): void {
    this.#feed = feeds.open(this.environmentId, this);
  }

  hasRoom(): boolean {
    return !this.#isFull;
  }

  fill(): void {
    this.#isFull = true;
  }

  makeRoom(): void {
    this.#isFull = false;
    this.#feed?.catchUp();
  }

  send(bytes: Uint8Array, name: 'snapshot' | 'patch'): void {
    if (this.isEnded) throw new Error('An event was sent after the end.');
    if (this.#isFull && this.snapshot !== undefined) throw new Error('An event was sent without room.');
    this.#options.received(this, { name, bytes });
  }

  end(): void {
    this.isEnded = true;
    this.#feed?.close();
  }

  failed(error: unknown): void {
    this.#options.fault(error);
    this.end();
  }
}

/** What a page has after an event. */
export function applyEvent(before: Snapshot | undefined, { name, bytes }: FeedEvent): Snapshot {
  const text = Buffer.from(bytes).toString();
  const { id, data } = /^id: (?<id>\d+)\nevent: \w+\ndata: (?<data>.*)\n\n$/.exec(text)?.groups ?? {};
  const content = JSON.parse(data ?? '');
  if (content.revision !== id)
    throw new Error(`The event has the id ${id} and the revision ${content.revision}.`);
  if (name === 'patch' && before === undefined) throw new Error('A patch came before the snapshot.');
  return applyPatch(name === 'snapshot' ? undefined : before, content);
}

/** What a page has after the data of an event; the first is a snapshot. */
export function applyPatch(before: Snapshot | undefined, patch: Snapshot | SnapshotPatch): Snapshot {
  if (before === undefined) return patch as Snapshot;
  const next: Record<string, unknown> = { revision: patch.revision };
  const deleted = 'deleted' in patch ? patch.deleted : undefined;
  for (const group of GROUPS) {
    const entries = new Map(Object.entries({ ...before[group], ...patch[group] }));
    for (const key of deleted?.[group] ?? []) entries.delete(key);
    next[group] = Object.fromEntries(entries);
  }
  return next as unknown as Snapshot;
}
