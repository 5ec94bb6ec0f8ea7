import { MultiMap } from '../lib/multi-map.ts';
import type { ChangeRecord } from '../storage/storage.ts';

/** Delivers committed changes to open streams and webhooks, in the order of their revisions. */
export class ChangeBus {
  readonly #listeners = new MultiMap<string, (record: ChangeRecord) => void>();
  readonly #followers = new Set<(record: ChangeRecord) => void>();

  /** The environments that are listened to. */
  get environmentIds(): Iterable<string> {
    return this.#listeners.keys();
  }

  /** Calls `listener` for every change of an environment. Returns an unsubscribe function. */
  subscribe(environmentId: string, listener: (record: ChangeRecord) => void): () => void {
    return this.#listeners.add(environmentId, listener);
  }

  /** Calls `listener` for every change of any environment. Returns an unsubscribe function. */
  subscribeAll(listener: (record: ChangeRecord) => void): () => void {
    this.#followers.add(listener);
    return () => {
      this.#followers.delete(listener);
    };
  }

  /** Call it after the commit. `onError` gets the error of a listener that throws; the others are still called. */
  publish(records: readonly ChangeRecord[], onError: (error: unknown) => void): void {
    for (const record of records) {
      for (const listener of [...this.#listeners.get(record.environmentId), ...this.#followers]) {
        try {
          listener(record);
        } catch (error) {
          onError(error);
        }
      }
    }
  }
}
