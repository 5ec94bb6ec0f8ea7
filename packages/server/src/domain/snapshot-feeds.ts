import type { EvaluationContext } from '@smooai/config';
import { inTurns } from '../lib/in-turns.ts';
import type { Principal } from '../principal.ts';
import { describeError, type ErrorLog } from '../server-logger.ts';
import { mayUseEnvironment } from './access.ts';
import type { ChangeBus } from './change-bus.ts';
import type { EnvironmentView } from './environment-view.ts';
import { type Sent, SnapshotChanges } from './snapshot-changes.ts';

/** An open stream of an environment. */
interface FeedMember {
  readonly principal: Pick<Principal, 'environments'>;
  /** The environment is gone, or the caller may no longer use it. */
  end(): void;
}

/** A stream of snapshots, for one context. */
export interface FeedReader extends FeedMember {
  readonly context: EvaluationContext;
  /** Whether it takes another event now. If not, call `catchUp` once it does. */
  hasRoom(): boolean;
  /** Gets a server-sent event in UTF-8. Streams share the bytes: do not change them. */
  send(event: Uint8Array, name: 'snapshot' | 'patch'): void;
  /** Its snapshot or a change could not be evaluated or sent. It gets no more events. */
  failed(error: unknown): void;
}

/** A stream that says when the values of an environment may have changed, for any context. */
export interface FeedWatcher extends FeedMember {
  /** Called with the first view, and with every later one in which more than secrets has changed. */
  changed(view: EnvironmentView, isFirst: boolean): void;
}

interface FeedParts {
  readonly changes: ChangeBus;
  readonly log: ErrorLog;
  /** The newest view of an environment; undefined if it was deleted. */
  readonly readView: (environmentId: string) => Promise<EnvironmentView | undefined>;
}

/** Keeps the open streams of snapshots up to date. The streams of an environment share the work of a change. */
export class SnapshotFeeds {
  readonly #parts: FeedParts;
  readonly #feeds = new Map<string, SnapshotFeed>();

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /**
   * Sends a snapshot of the environment, and then each change. It ends a reader that may not use the environment under
   * its present name. Call `catchUp` when the reader has room again.
   */
  open(environmentId: string, reader: FeedReader): { close: () => void; catchUp: () => void } {
    const feed = this.#feedOf(environmentId);
    feed.join(reader);
    return {
      catchUp: () => feed.catchUp(reader),
      close: () => {
        feed.leave(reader);
        this.#closeIfEmpty(environmentId, feed);
      },
    };
  }

  /** Calls the watcher for the present view and for each change. Returns a function that ends this. */
  watch(environmentId: string, watcher: FeedWatcher): () => void {
    const feed = this.#feedOf(environmentId);
    feed.watch(watcher);
    return () => {
      feed.unwatch(watcher);
      this.#closeIfEmpty(environmentId, feed);
    };
  }

  #feedOf(environmentId: string): SnapshotFeed {
    const feed = this.#feeds.get(environmentId) ?? new SnapshotFeed(this.#parts, environmentId);
    this.#feeds.set(environmentId, feed);
    return feed;
  }

  #closeIfEmpty(environmentId: string, feed: SnapshotFeed): void {
    if (!feed.isEmpty) return;
    feed.close();
    if (this.#feeds.get(environmentId) === feed) this.#feeds.delete(environmentId);
  }
}

/** The streams of one environment. */
class SnapshotFeed {
  readonly #parts: FeedParts;
  readonly #environmentId: string;
  /** What each reader has; undefined without a snapshot so far. */
  readonly #readers = new Map<FeedReader, Sent | undefined>();
  /** Readers without a snapshot so far. */
  readonly #joining = new Set<FeedReader>();
  readonly #watchers = new Set<FeedWatcher>();
  /** Watchers that have seen no view so far. */
  readonly #newWatchers = new Set<FeedWatcher>();
  readonly close: () => void;
  #view: EnvironmentView | undefined;
  /** The changes to the present view. */
  #changes: SnapshotChanges | undefined;
  #isRunning = false;
  #isBehind = false;

  constructor(parts: FeedParts, environmentId: string) {
    this.#parts = parts;
    this.#environmentId = environmentId;
    this.close = parts.changes.subscribe(environmentId, () => this.#changed());
  }

  get isEmpty(): boolean {
    return this.#readers.size === 0 && this.#watchers.size === 0;
  }

  join(reader: FeedReader): void {
    this.#readers.set(reader, undefined);
    this.#joining.add(reader);
    this.#changed();
  }

  leave(reader: FeedReader): void {
    this.#readers.delete(reader);
    this.#joining.delete(reader);
  }

  watch(watcher: FeedWatcher): void {
    this.#watchers.add(watcher);
    this.#newWatchers.add(watcher);
    this.#changed();
  }

  unwatch(watcher: FeedWatcher): void {
    this.#watchers.delete(watcher);
    this.#newWatchers.delete(watcher);
  }

  /** The reader has room again: it gets what it missed as one patch. */
  catchUp(reader: FeedReader): void {
    if (this.#readers.get(reader)?.missed !== undefined) this.#serve(reader);
  }

  /** The environment has changed, or a stream has joined. Changes that arrive during a read are handled together. */
  #changed(): void {
    this.#isBehind = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#update().catch((error: unknown) => {
      this.#parts.log.error(
        { failure: describeError(error) },
        'the snapshot streams of an environment failed',
      );
      this.#endAll();
    });
  }

  async #update(): Promise<void> {
    try {
      while (this.#isBehind && !this.isEmpty) {
        this.#isBehind = false;
        // A reader that joins during the read may have to see a newer view, so it waits for the next round.
        const joining = [...this.#joining];
        const view = await this.#parts.readView(this.#environmentId);
        if (view === undefined) {
          this.#endAll();
          return;
        }
        const previous = this.#view;
        const hasChanged = this.#show(view);
        const watchers = hasChanged ? this.#watchers : this.#newWatchers;
        await inTurns([...watchers], (watcher) => this.#notify(watcher, view));
        // Also if only secrets have changed, or the readers would keep the view before in memory.
        const present = view === previous ? [] : [...this.#readers.keys()];
        const older = present.filter((reader) => !this.#joining.has(reader));
        await inTurns([...older, ...joining], (reader) => this.#serve(reader));
      }
    } finally {
      // Nothing may be awaited between the last check of #isBehind and this, or a change could be missed.
      this.#isRunning = false;
    }
  }

  /** Returns whether more than secrets has changed since the view before. */
  #show(view: EnvironmentView): boolean {
    const previous = this.#view;
    this.#view = view;
    if (previous?.environment.name !== view.environment.name) {
      // It may have been renamed to one that a caller may not use.
      for (const member of this.#members()) {
        if (!mayUseEnvironment(member.principal, view.environment.name)) member.end();
      }
    }
    if (previous !== view) this.#changes = new SnapshotChanges(view);
    return previous !== undefined && this.#changes?.keysSince(previous).size !== 0;
  }

  #notify(watcher: FeedWatcher, view: EnvironmentView): void {
    // It may have left in the meantime.
    if (!this.#watchers.has(watcher)) return;
    if (mayUseEnvironment(watcher.principal, view.environment.name))
      watcher.changed(view, this.#newWatchers.delete(watcher));
    else watcher.end();
  }

  /** Sends a reader its snapshot, or what has changed since its last event. */
  #serve(reader: FeedReader): void {
    const changes = this.#changes;
    // It may have left in the meantime.
    if (changes === undefined || !this.#readers.has(reader)) return;
    this.#joining.delete(reader);
    if (!mayUseEnvironment(reader.principal, this.#view?.environment.name ?? '')) {
      reader.end();
      return;
    }
    try {
      this.#send(reader, changes);
    } catch (error) {
      this.#readers.delete(reader);
      reader.failed(error);
    }
  }

  #send(reader: FeedReader, changes: SnapshotChanges): void {
    const { context } = reader;
    const sent = this.#readers.get(reader);
    if (sent !== undefined && !reader.hasRoom()) {
      this.#readers.set(reader, changes.missedBy(sent, context));
      return;
    }
    const event = sent === undefined ? changes.snapshot(context) : changes.event(sent, context);
    this.#readers.set(reader, changes.sent);
    if (event !== undefined) reader.send(event.bytes, event.name);
  }

  #endAll(): void {
    for (const member of this.#members()) member.end();
  }

  #members(): FeedMember[] {
    return [...this.#readers.keys(), ...this.#watchers];
  }
}
