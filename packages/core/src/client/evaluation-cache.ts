import { OptionsError } from '../errors.ts';
import { Moment } from '../http/moment.ts';

/** Bounds of a client's cache of server evaluations. */
export interface EvaluationCacheOptions {
  /** Maximum number of entries. When it is exceeded, the least recently used entry is dropped. */
  maxEntries: number;
  /** How long an entry is used, in milliseconds. */
  ttlMs: number;
}

interface Entry<Value> {
  value: Value;
  since: Moment;
}

/** A cache with a time to live and a maximum size. The least recently used entry is dropped first. */
export class EvaluationCache<Value> {
  readonly #options: EvaluationCacheOptions;
  readonly #entries = new Map<string, Entry<Value>>();

  /** @throws {OptionsError} for an invalid bound. */
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

  get(id: string): Value | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    // Deleted and set again, so that the map stays in order of use.
    this.#entries.delete(id);
    if (entry.since.elapsedMs() >= this.#options.ttlMs) return undefined;
    this.#entries.set(id, entry);
    return entry.value;
  }

  set(id: string, value: Value): void {
    this.#entries.delete(id);
    this.#entries.set(id, { value, since: new Moment() });
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
