import { SnapshotStore } from '@smooai/config/browser';

/** A store that counts its subscribed listeners. */
export class CountingStore extends SnapshotStore {
  listeners = 0;
  /** The keys that have listeners, such as `flags.theme`, once for each listener. */
  readonly keys: string[] = [];

  override subscribe(key: string, listener: () => void): () => void {
    this.listeners += 1;
    if (key.includes('.')) this.keys.push(key);
    const unsubscribe = super.subscribe(key, listener);
    return () => {
      this.listeners -= 1;
      if (key.includes('.')) this.keys.splice(this.keys.indexOf(key), 1);
      unsubscribe();
    };
  }
}
