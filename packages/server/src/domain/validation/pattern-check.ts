import type { JsonValue, PatternFlags } from '@smooai/config';
import { isRecord } from '../../lib/record.ts';
import { Refusal } from '../refusal.ts';
import type { Pattern, PatternVerdict } from './check-job.ts';
import type { RequestChecks } from './request-checks.ts';

/** Most characters of one pattern. */
const MAX_PATTERN_LENGTH = 1_000;
/** Most different patterns of one write. */
const MAX_PATTERNS = 100;
const MAX_CACHED = 1_000;

const REASONS: Record<PatternVerdict, string | undefined> = {
  safe: undefined,
  vulnerable:
    'is a pattern that takes exponential time on some texts; anchor it with ^ and avoid overlapping repetitions',
  unknown: 'is a pattern that could not be proven safe within the time limit; make it simpler',
};

/** Returns why a pattern must not be stored; undefined if it may. */
export type PatternCheck = (pattern: string, flags: PatternFlags) => string | undefined;

/** Checks that regular expressions are valid and cannot take exponential time on any text. */
export class PatternChecker {
  readonly #verdicts = new Map<string, PatternVerdict>();

  /**
   * Analyses patterns with the budget of a request. Returns a synchronous check for each of them.
   * @throws {Refusal} `invalid` for too many patterns at once
   */
  async prepare(patterns: readonly Pattern[], checks: RequestChecks): Promise<PatternCheck> {
    const distinct = new Map(patterns.map((pattern) => [nameOf(pattern), pattern]));
    if (distinct.size > MAX_PATTERNS) {
      throw new Refusal(
        'invalid',
        `A write may contain at most ${MAX_PATTERNS} different patterns (operator "matches").`,
      );
    }
    const reasons = new Map<string, string | undefined>();
    for (const [name, pattern] of distinct) {
      reasons.set(name, invalidReason(pattern) ?? REASONS[await this.#verdict(name, pattern, checks)]);
    }
    return (source, flags) => {
      const name = nameOf({ source, flags });
      return reasons.has(name) ? reasons.get(name) : REASONS.unknown;
    };
  }

  async #verdict(name: string, pattern: Pattern, checks: RequestChecks): Promise<PatternVerdict> {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = await checks.analyse(pattern);
    if (verdict === undefined) return 'unknown';
    if (this.#verdicts.size >= MAX_CACHED) this.#verdicts.clear();
    this.#verdicts.set(name, verdict);
    return verdict;
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
