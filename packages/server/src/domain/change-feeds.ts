import { inTurns } from '../lib/in-turns.ts';
import { describeError, type ErrorLog } from '../server-logger.ts';
import type { ChangeRecord } from '../storage/storage.ts';
import type { ChangeBus } from './change-bus.ts';

/** An open stream of the changes of an environment. */
export interface ChangeReader {
  changed(record: ChangeRecord): void;
}

interface FeedParts {
  readonly changes: ChangeBus;
  readonly log: ErrorLog;
  /** Ends the streams of callers that may not use an environment under its present name. Never rejects. */
  readonly checkName: (environmentId: string) => Promise<void>;
}

/** Delivers each change of an environment to many streams, in short turns so that other requests are not held up. */
export class ChangeFeeds {
  readonly #parts: FeedParts;
  readonly #feeds = new Map<string, ChangeFeed>();

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** From now on, the reader gets every change of the environment, in order. Returns a function that ends this. */
  open(environmentId: string, reader: ChangeReader): () => void {
    const feed = this.#feeds.get(environmentId) ?? new ChangeFeed(this.#parts, environmentId);
    this.#feeds.set(environmentId, feed);
    feed.readers.add(reader);
    return () => {
      feed.readers.delete(reader);
      if (feed.readers.size > 0) return;
      feed.close();
      if (this.#feeds.get(environmentId) === feed) this.#feeds.delete(environmentId);
    };
  }
}

/** The streams of one environment. */
class ChangeFeed {
  readonly readers = new Set<ChangeReader>();
  readonly close: () => void;
  readonly #log: ErrorLog;
  readonly #checkName: () => Promise<void>;
  /** Changes that arrived while earlier ones are delivered. */
  #waiting: ChangeRecord[] = [];
  #isDelivering = false;

  constructor({ changes, log, checkName }: FeedParts, environmentId: string) {
    this.#log = log;
    this.#checkName = () => checkName(environmentId);
    this.close = changes.subscribe(environmentId, (record) => {
      this.#waiting.push(record);
      if (!this.#isDelivering) void this.#deliver();
    });
  }

  async #deliver(): Promise<void> {
    this.#isDelivering = true;
    while (this.#waiting.length > 0) {
      const records = this.#waiting;
      this.#waiting = [];
      // Before a caller gets values of an environment that it may no longer use: one write can change name and fallback.
      if (records.some(({ needsReload }) => needsReload)) await this.#checkName();
      await inTurns([...this.readers], (reader) => this.#send(reader, records));
    }
    this.#isDelivering = false;
  }

  #send(reader: ChangeReader, records: readonly ChangeRecord[]): void {
    try {
      for (const record of records) {
        // It may have left in the meantime.
        if (this.readers.has(reader)) reader.changed(record);
      }
    } catch (error) {
      // The other streams still get the change.
      this.#log.error({ failure: describeError(error) }, 'a change could not be sent to a stream');
    }
  }
}
