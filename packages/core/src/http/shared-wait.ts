import { onAbort } from './on-abort.ts';

/** How one caller leaves {@link SharedWait.join} early. */
export interface LeaveOptions {
  signal?: AbortSignal | undefined;
  /** Returns the error that the caller gets when `signal` aborts. */
  aborted: () => Error;
}

/** Counts the callers that wait for shared work. Each of them can leave early without ending the wait of the others. */
export class SharedWait {
  readonly #onEmpty: (() => void) | undefined;
  #waiting = 0;

  /** @param onEmpty - called each time the last caller has left or got its result. */
  constructor(onEmpty?: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** Whether no caller waits. */
  get isEmpty(): boolean {
    return this.#waiting === 0;
  }

  /** Settles as `work` does, or rejects as soon as the signal aborts. */
  join<Result>(work: Promise<Result>, { signal, aborted }: LeaveOptions): Promise<Result> {
    this.#waiting += 1;
    return new Promise((resolve, reject) => {
      let isWaiting = true;
      let removeListener: (() => void) | undefined;
      const leave = (): void => {
        if (!isWaiting) return;
        isWaiting = false;
        this.#waiting -= 1;
        removeListener?.();
        if (this.#waiting === 0) this.#onEmpty?.();
      };
      const abort = (): void => {
        leave();
        reject(aborted());
      };
      // It leaves first, so that it no longer counts when it goes on.
      void work.then(
        (result) => {
          leave();
          resolve(result);
        },
        (error: unknown) => {
          leave();
          reject(error);
        },
      );
      if (signal?.aborted) abort();
      else removeListener = signal && onAbort(signal, abort);
    });
  }
}
