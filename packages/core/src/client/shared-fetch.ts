import { onAbort } from '../http/on-abort.ts';
import { SharedWait } from '../http/shared-wait.ts';

interface Fetch {
  readonly callers: SharedWait;
  readonly result: Promise<void>;
}

/**
 * Lets concurrent callers share a fetch. A caller never gets the result of one that began before the call,
 * because the server may have read the values before the change that the caller wants. One fetch is under way at a time.
 */
export class SharedFetch {
  readonly #fetch: (signal: AbortSignal) => Promise<void>;
  #latest: Promise<void> = Promise.resolve();
  /** The fetch that has not begun. */
  #next: Fetch | undefined;

  /** @param fetch - its signal aborts when all callers have left. */
  constructor(fetch: (signal: AbortSignal) => Promise<void>) {
    this.#fetch = fetch;
  }

  /** Settles as a fetch that begins from now on, or rejects when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    this.#next ??= this.#schedule();
    const { callers, result } = this.#next;
    return callers.join(result, { signal, aborted: () => signal.reason as Error });
  }

  #schedule(): Fetch {
    const leaving = new AbortController();
    const callers = new SharedWait(() => {
      leaving.abort();
      // A caller that comes now needs a fetch that is not aborted.
      if (this.#next === fetch) this.#next = undefined;
    });
    const left = new Promise<void>((resolve) => void onAbort(leaving.signal, resolve));
    const begin = async (): Promise<void> => {
      if (leaving.signal.aborted) return;
      this.#next = undefined;
      // A source that ignores its signal must not keep later calls waiting.
      await Promise.race([this.#fetch(leaving.signal), left]);
    };
    const result = this.#latest.then(begin);
    this.#latest = result.catch(() => undefined);
    const fetch: Fetch = { callers, result };
    return fetch;
  }
}
