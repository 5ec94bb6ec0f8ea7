import type { Snapshot, SnapshotSource, SnapshotStore } from '@smooai/config/browser';

/** A source that the test drives, and that counts its connections. */
export class ManualSource implements SnapshotSource {
  /** The stores that are connected now. */
  readonly stores: Set<SnapshotStore> = new Set();
  connects = 0;

  connect(store: SnapshotStore): () => void {
    this.connects += 1;
    this.stores.add(store);
    store.status = 'live';
    return () => {
      this.stores.delete(store);
      store.status = 'offline';
    };
  }

  push(snapshot: Snapshot): void {
    for (const store of this.stores) store.replace(snapshot);
  }
}
