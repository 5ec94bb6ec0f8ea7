import { type LeaveOptions, SharedWait } from './shared-wait.ts';

/** Work that any number of callers wait for. It is aborted when the last of them has left. */
export class SharedWork<Result> {
  readonly #controller = new AbortController();
  readonly #callers = new SharedWait(() => this.abort());
  readonly #result: Promise<Result>;
  readonly #onOver: () => void;

  /** @param onOver - called when the work has settled or was aborted, and must not be joined any more. */
  constructor(start: (signal: AbortSignal) => Promise<Result>, onOver: () => void) {
    this.#onOver = onOver;
    this.#result = start(this.#controller.signal).finally(onOver);
  }

  /** Waits for the result. A caller that leaves does not affect the others. */
  join(leave: LeaveOptions): Promise<Result> {
    return this.#callers.join(this.#result, leave);
  }

  /** Does nothing after the work has settled. */
  abort(): void {
    this.#onOver();
    this.#controller.abort();
  }
}
