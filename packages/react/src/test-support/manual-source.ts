import {
  type Snapshot,
  type SnapshotSource,
  type SnapshotStatus,
  SnapshotStore,
} from '@smooai/config/browser';

/** A source that the test drives, and that counts its connections. */
export class ManualSource implements SnapshotSource {
  /** The stores that are connected now, with their contexts. */
  readonly stores: Map<SnapshotStore, unknown> = new Map();
  connects = 0;
  readonly #status: SnapshotStatus;

  /** @param status of a store that is connected */
  constructor(status: SnapshotStatus = 'live') {
    this.#status = status;
  }

  createStore(snapshot?: Snapshot): SnapshotStore {
    return new SnapshotStore(snapshot, 'connecting');
  }

  connect(store: SnapshotStore, context?: unknown): () => void {
    this.connects += 1;
    this.stores.set(store, context);
    store.setStatus(this.#status);
    return () => {
      this.stores.delete(store);
      store.setStatus('offline');
    };
  }

  /** Sends a snapshot to every store, or only to those of a context. */
  push(snapshot: Snapshot, context?: unknown): void {
    for (const [store, own] of this.stores) {
      if (context === undefined || JSON.stringify(own) === JSON.stringify(context)) store.replace(snapshot);
    }
  }
}
