import type { ChangeRecord } from '../storage/storage.ts';

/** Tells open streams of committed changes, in the order of their revisions. */
export class ChangeBus {
  readonly #listeners = new Map<string, Set<(record: ChangeRecord) => void>>();

  /** Calls `listener` for every change of that environment until the answered function is called. */
  subscribe(environmentId: string, listener: (record: ChangeRecord) => void): () => void {
    const listeners = this.#listeners.get(environmentId) ?? new Set();
    this.#listeners.set(environmentId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(environmentId) === listeners) {
        this.#listeners.delete(environmentId);
      }
    };
  }

  /** To be called after the commit. */
  publish(records: readonly ChangeRecord[]): void {
    for (const record of records) {
      for (const listener of this.#listeners.get(record.environmentId) ?? []) listener(record);
    }
  }
}
