import type { Deadline } from '../http/deadline.ts';

/** One question to the server, for any number of callers; it is given up when the last of them went. */
export class EvaluationFlight<Answer> {
  readonly #request = new AbortController();
  readonly #answer: Promise<Answer>;
  readonly #onOver: () => void;
  #waiting = 0;

  /** @param onOver - called once it is answered or given up: it must not be joined any more. Never at once. */
  constructor(ask: (signal: AbortSignal) => Promise<Answer>, onOver: () => void) {
    this.#onOver = onOver;
    this.#answer = ask(this.#request.signal).finally(onOver);
  }

  /** The answer, or the end of this caller's deadline, which leaves the others waiting. */
  async wait(deadline: Deadline): Promise<Answer> {
    this.#waiting += 1;
    try {
      return await deadline.race(this.#answer);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.end();
    }
  }

  /** Gives the question up; after the answer it does nothing. */
  end(): void {
    this.#onOver();
    this.#request.abort();
  }
}
