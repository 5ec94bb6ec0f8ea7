import { OptionsError } from '../errors.ts';
import { Moment } from '../http/moment.ts';

/** Bounds of the answers of the server that a client keeps. */
export interface EvaluationCacheOptions {
  /** How many answers are kept; beyond it the least recently used one is dropped. */
  maxEntries: number;
  /** How long an answer is served, in milliseconds. */
  ttlMs: number;
}

interface Entry<Answer> {
  answer: Answer;
  since: Moment;
}

/** Answers for a while, and never more than so many: the least recently used one goes first. */
export class EvaluationCache<Answer> {
  readonly #options: EvaluationCacheOptions;
  readonly #entries = new Map<string, Entry<Answer>>();

  /** @throws {OptionsError} for a bound that is none. */
  constructor(options: EvaluationCacheOptions) {
    const { maxEntries, ttlMs } = options;
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw new OptionsError(
        'evaluationCache',
        '"evaluationCache.maxEntries" must be a whole number of at least 1.',
      );
    }
    if (typeof ttlMs !== 'number' || !(ttlMs > 0)) {
      throw new OptionsError(
        'evaluationCache',
        '"evaluationCache.ttlMs" must be a number of milliseconds above 0.',
      );
    }
    this.#options = { maxEntries, ttlMs };
  }

  get(id: string): Answer | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    if (entry.since.elapsedMs() >= this.#options.ttlMs) return undefined;
    this.#entries.set(id, entry);
    return entry.answer;
  }

  set(id: string, answer: Answer): void {
    this.#entries.delete(id);
    this.#entries.set(id, { answer, since: new Moment() });
    if (this.#entries.size <= this.#options.maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
