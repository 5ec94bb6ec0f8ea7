import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { JsonValue, PatternFlags } from '@smooai/config';
import { isRecord } from '../../lib/record.ts';
import { Refusal } from '../refusal.ts';

/** Most characters of one pattern. */
const MAX_PATTERN_LENGTH = 1_000;
/** Most different patterns of one write. */
const MAX_PATTERNS = 100;
/** How long the analysis of one pattern may take, in milliseconds. */
const ANALYSIS_TIMEOUT_MS = 1_500;
/** The worker is let go after so many milliseconds without a pattern: it holds some 60 MB. */
const IDLE_MS = 10_000;
const MAX_CACHED = 1_000;

// The analysis is slow (0.1 s to load, up to a second a pattern) and synchronous, so it runs beside the event loop.
// As text, for a bundle has no second file; recheck's browser build is the one that is JavaScript alone.
const WORKER_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { checkSync } = require(workerData.recheck);
parentPort.on('message', ({ pattern, flags, timeout }) => {
  let status = 'unknown';
  try { status = checkSync(pattern, flags, { timeout }).status; } catch {}
  parentPort.postMessage(status);
});`;

type Verdict = 'safe' | 'vulnerable' | 'unknown';

const REASONS: Record<Verdict, string | undefined> = {
  safe: undefined,
  vulnerable:
    'is a pattern whose time explodes on some texts; anchor it with ^ and avoid repetitions that overlap',
  unknown: 'is a pattern that could not be proven safe in time; make it simpler',
};

/** Why a pattern must not be stored; undefined when it may. */
export type PatternCheck = (pattern: string, flags: PatternFlags) => string | undefined;

/** A pattern as it is evaluated: what is harmless may explode where case is ignored. */
export interface Pattern {
  readonly source: string;
  readonly flags: PatternFlags;
}

/** Finds out whether regular expressions are valid and cannot be made to run away by an attribute's text. */
export class PatternChecker {
  readonly #verdicts = new Map<string, Verdict>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #answer: ((verdict: Verdict) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Analyses patterns and answers the check of them: why a pattern must not be stored, undefined when it may.
   * @throws {Refusal} 400 for too many patterns at once.
   */
  async prepare(patterns: readonly Pattern[]): Promise<PatternCheck> {
    const distinct = new Map(patterns.map((pattern) => [nameOf(pattern), pattern]));
    if (distinct.size > MAX_PATTERNS) {
      throw new Refusal(
        'invalid',
        `A write may hold at most ${MAX_PATTERNS} different patterns (operator "matches").`,
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

  /** Ends the worker. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#answer?.('unknown');
    await worker?.terminate();
  }

  async #verdict(name: string, pattern: Pattern): Promise<Verdict> {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    // One at a time, so that nobody's time runs while another's pattern is looked at.
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
      // Its own limit is not kept in every phase of the analysis.
      const timer = setTimeout(() => void this.close(), ANALYSIS_TIMEOUT_MS * 3);
      this.#answer = (verdict) => {
        clearTimeout(timer);
        this.#answer = undefined;
        this.#rest();
        resolve(verdict);
      };
      worker.postMessage({ pattern: source, flags, timeout: ANALYSIS_TIMEOUT_MS });
    });
  }

  #startWorker(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const recheck = createRequire(import.meta.url).resolve('recheck/lib/browser.js');
    const worker = new Worker(WORKER_SOURCE, { eval: true, workerData: { recheck }, execArgv: [] });
    worker.unref();
    worker.on('message', (verdict: Verdict) => this.#answer?.(verdict));
    const lost = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#answer?.('unknown');
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    this.#worker = worker;
    return worker;
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS);
    this.#idle.unref();
  }
}

/** The patterns of every `matches` in a targeted value or a condition, whatever its shape is otherwise. */
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
    return 'is no valid regular expression (with the u flag)';
  }
}
