/** Groups of listeners. Those with the same key share what notifies them, so each costs little memory. */
export class WatchGroups<Key, Watch> {
  readonly #groups = new Map<Key, { watches: Set<Watch>; stop: () => void }>();
  readonly #start: (key: Key, notify: () => void) => () => void;
  readonly #notified: (watch: Watch) => void;

  /**
   * @param start called for the first watch of a key. It returns a function that is called after the last one.
   * @param notified called for each watch of a key when that key is notified.
   */
  constructor(start: (key: Key, notify: () => void) => () => void, notified: (watch: Watch) => void) {
    this.#start = start;
    this.#notified = notified;
  }

  add(key: Key, watch: Watch): void {
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.watches.add(watch);
      return;
    }
    const watches = new Set([watch]);
    const notify = (): void => {
      for (const one of [...watches]) this.#notified(one);
    };
    this.#groups.set(key, { watches, stop: this.#start(key, notify) });
  }

  /** Returns whether the watch was there. */
  delete(key: Key, watch: Watch): boolean {
    const group = this.#groups.get(key);
    if (group === undefined || !group.watches.delete(watch)) return false;
    if (group.watches.size === 0) {
      this.#groups.delete(key);
      group.stop();
    }
    return true;
  }
}
