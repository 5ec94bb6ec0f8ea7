import { type Snapshot, SnapshotStore } from '@smooai/config/browser';

/** A store that counts its subscribed listeners. */
export class CountingStore extends SnapshotStore {
  listeners = 0;

  constructor(initial: Snapshot) {
    super(initial);
    const { subscribeAll, subscribeStatus } = this;
    Object.assign(this, {
      subscribeAll: (listener: () => void) => this.#count(subscribeAll(listener)),
      subscribeStatus: (listener: () => void) => this.#count(subscribeStatus(listener)),
    });
  }

  override subscribe(key: string, listener: () => void): () => void {
    return this.#count(super.subscribe(key, listener));
  }

  #count(unsubscribe: () => void): () => void {
    this.listeners += 1;
    return () => {
      this.listeners -= 1;
      unsubscribe();
    };
  }
}
