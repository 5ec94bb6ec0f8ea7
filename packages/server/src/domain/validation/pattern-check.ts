import { Worker } from 'node:worker_threads';
import type { JsonValue, PatternFlags } from '@smooai/config';
import { isRecord } from '../../lib/record.ts';
import { Refusal } from '../refusal.ts';

/** Most characters of one pattern. */
const MAX_PATTERN_LENGTH = 1_000;
/** Most different patterns of one write. */
const MAX_PATTERNS = 100;
/** Time limit for the analysis of one pattern, in milliseconds. */
const ANALYSIS_TIMEOUT_MS = 1_500;
/** The worker, which uses some 60 MB, is stopped after this many idle milliseconds. */
const IDLE_MS = 10_000;
const MAX_CACHED = 1_000;

// The analysis is slow (0.1 s to load, up to a second per pattern) and synchronous, so it runs in a worker thread. In dist,
// the bundle of this module is beside that of the worker, as here.
const WORKER = new URL('./pattern-worker.js', import.meta.url);

type Verdict = 'safe' | 'vulnerable' | 'unknown';

const REASONS: Record<Verdict, string | undefined> = {
  safe: undefined,
  vulnerable:
    'is a pattern that takes exponential time on some texts; anchor it with ^ and avoid overlapping repetitions',
  unknown: 'is a pattern that could not be proven safe within the time limit; make it simpler',
};

/** Returns why a pattern must not be stored; undefined if it may. */
export type PatternCheck = (pattern: string, flags: PatternFlags) => string | undefined;

/** A pattern with the flags it runs with: one that is harmless may take exponential time when case is ignored. */
export interface Pattern {
  readonly source: string;
  readonly flags: PatternFlags;
}

/** Checks that regular expressions are valid and cannot take exponential time on any text. */
export class PatternChecker {
  readonly #verdicts = new Map<string, Verdict>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #resolve: ((verdict: Verdict) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Analyses patterns. Returns a synchronous check for each of them.
   * @throws {Refusal} `invalid` for too many patterns at once
   */
  async prepare(patterns: readonly Pattern[]): Promise<PatternCheck> {
    const distinct = new Map(patterns.map((pattern) => [nameOf(pattern), pattern]));
    if (distinct.size > MAX_PATTERNS) {
      throw new Refusal(
        'invalid',
        `A write may contain at most ${MAX_PATTERNS} different patterns (operator "matches").`,
      );
    }
    const reasons = new Map<string, string | undefined>();
    for (const [name, pattern] of distinct) {
      reasons.set(name, invalidReason(pattern) ?? REASONS[await this.#verdict(name, pattern)]);
    }
    return (source, flags) => {
      const name = nameOf({ source, flags });
      return reasons.has(name) ? reasons.get(name) : REASONS.unknown;
    };
  }

  /** Stops the worker. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#resolve?.('unknown');
    await worker?.terminate();
  }

  async #verdict(name: string, pattern: Pattern): Promise<Verdict> {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    // One at a time, so that the time limit of a pattern does not run while it waits for another.
    const analysis = this.#last.then(() => this.#analyse(pattern));
    this.#last = analysis.catch(() => undefined);
    const verdict = await analysis;
    if (this.#verdicts.size >= MAX_CACHED) this.#verdicts.clear();
    this.#verdicts.set(name, verdict);
    return verdict;
  }

  #analyse({ source, flags }: Pattern): Promise<Verdict> {
    clearTimeout(this.#idle);
    const worker = this.#startWorker();
    return new Promise<Verdict>((resolve) => {
      // recheck does not keep its own time limit in every phase of the analysis.
      const timer = setTimeout(() => void this.close(), ANALYSIS_TIMEOUT_MS * 3);
      this.#resolve = (verdict) => {
        clearTimeout(timer);
        this.#resolve = undefined;
        this.#scheduleStop();
        resolve(verdict);
      };
      worker.postMessage({ pattern: source, flags, timeout: ANALYSIS_TIMEOUT_MS });
    });
  }

  #startWorker(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(WORKER, { execArgv: [] });
    worker.unref();
    worker.on('message', (verdict: Verdict) => this.#resolve?.(verdict));
    const lost = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#resolve?.('unknown');
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    this.#worker = worker;
    return worker;
  }

  #scheduleStop(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS);
    this.#idle.unref();
  }
}

/** The patterns of every `matches` in a targeted value or condition, even if its shape is invalid. */
export function patternsIn(value: JsonValue): Pattern[] {
  if (Array.isArray(value)) return value.flatMap(patternsIn);
  if (!isRecord(value)) return [];
  const own =
    value.op === 'matches' && Array.isArray(value.values)
      ? value.values.filter((entry): entry is string => typeof entry === 'string')
      : [];
  const flags = value.ignoreCase === true ? 'iu' : 'u';
  return [
    ...own.map((source) => ({ source, flags }) as const),
    ...Object.values(value as Record<string, JsonValue>).flatMap(patternsIn),
  ];
}

function nameOf({ source, flags }: Pattern): string {
  return `${flags}/${source}`;
}

function invalidReason({ source, flags }: Pattern): string | undefined {
  if (source.length > MAX_PATTERN_LENGTH) return `is a pattern of more than ${MAX_PATTERN_LENGTH} characters`;
  try {
    new RegExp(source, flags);
    return undefined;
  } catch {
    return 'is not a valid regular expression (with the u flag)';
  }
}
