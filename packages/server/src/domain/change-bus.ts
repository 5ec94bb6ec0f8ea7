import { MultiMap } from '../lib/multi-map.ts';
import type { ChangeRecord } from '../storage/storage.ts';

/** Tells open streams of committed changes, in the order of their revisions. */
export class ChangeBus {
  readonly #listeners = new MultiMap<string, (record: ChangeRecord) => void>();

  /** Calls `listener` for every change of that environment until the answered function is called. */
  subscribe(environmentId: string, listener: (record: ChangeRecord) => void): () => void {
    return this.#listeners.add(environmentId, listener);
  }

  /** To be called after the commit. */
  publish(records: readonly ChangeRecord[]): void {
    for (const record of records) {
      for (const listener of this.#listeners.get(record.environmentId)) listener(record);
    }
  }
}
