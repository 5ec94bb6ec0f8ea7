const NONE: ReadonlySet<never> = new Set();

/** Several values for each key, such as the listeners of one environment. A key without values takes no memory. */
export class MultiMap<Key, Value> {
  readonly #sets = new Map<Key, Set<Value>>();

  /** Returns a function that removes the value again. */
  add(key: Key, value: Value): () => void {
    const values = this.#sets.get(key) ?? new Set();
    this.#sets.set(key, values);
    values.add(value);
    return () => {
      this.delete(key, value);
    };
  }

  keys(): Iterable<Key> {
    return this.#sets.keys();
  }

  get(key: Key): ReadonlySet<Value> {
    return this.#sets.get(key) ?? NONE;
  }

  /** Returns whether the value was there. */
  delete(key: Key, value: Value): boolean {
    const values = this.#sets.get(key);
    if (values === undefined) return false;
    const wasThere = values.delete(value);
    if (values.size === 0) this.#sets.delete(key);
    return wasThere;
  }
}
