import { type Snapshot, SnapshotStore } from '@smooai/config/browser';

/** A store that counts its subscribed listeners. */
export class CountingStore extends SnapshotStore {
  listeners = 0;
  /** The keys that have listeners, such as `flags.theme`, once for each listener. */
  readonly keys: string[] = [];

  constructor(initial: Snapshot) {
    super(initial);
    const { subscribeAll, subscribeStatus } = this;
    Object.assign(this, {
      subscribeAll: (listener: () => void) => this.#count(subscribeAll(listener)),
      subscribeStatus: (listener: () => void) => this.#count(subscribeStatus(listener)),
    });
  }

  override subscribe(key: string, listener: () => void): () => void {
    this.keys.push(key);
    const unsubscribe = super.subscribe(key, listener);
    return this.#count(() => {
      this.keys.splice(this.keys.indexOf(key), 1);
      unsubscribe();
    });
  }

  #count(unsubscribe: () => void): () => void {
    this.listeners += 1;
    return () => {
      this.listeners -= 1;
      unsubscribe();
    };
  }
}
