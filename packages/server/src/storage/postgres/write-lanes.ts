/** Most writes at a time, so that those that wait for a lock leave connections to reads. */
const MAX_RUNNING = 5;

/** Runs the writes of a process: one at a time of each lane, in the order of the calls, and a few lanes at a time. */
export class WriteLanes {
  readonly #lanes = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  run<Result>(lane: string, write: () => Promise<Result>): Promise<Result> {
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const result = before.then(() => this.#runNext(write));
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (this.#lanes.get(lane) === settled) this.#lanes.delete(lane);
      });
    this.#lanes.set(lane, settled);
    return result;
  }

  /** Resolves once the writes that were begun before have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.values());
  }

  async #runNext<Result>(write: () => Promise<Result>): Promise<Result> {
    if (this.#running >= MAX_RUNNING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await write();
    } finally {
      const next = this.#waiting.shift();
      // The next one takes over the place of this one.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
