import { clampLimit, type JsonValue, type LimitDefinition } from '@smooai/config';
import type { SchemaVerdict, ValueIssue } from './check-job.ts';
import type { RequestChecks } from './request-checks.ts';
import type { SchemaKey } from './schema-keys.ts';

const SIMPLIFY = 'Simplify the patterns and references of its schema';
/** A reason, to put after the name of the field, as all of these. */
const UNUSABLE = 'cannot be checked: this server does not support its schema. Push the schema again';
const ENDLESS =
  'cannot be checked: its schema refers to itself without end, or has a pattern that is too large. ' +
  SIMPLIFY;

/** Ends a write that must wait for verdicts. */
export class VerdictsMissing extends Error {}

/**
 * Verdicts on the values of one request. Values are checked in a worker, so not inside of a transaction, which would make
 * all other writes wait. A write runs until it knows all the values that need a verdict, ends without a change, has them
 * checked, and runs again.
 */
export class ValueVerdicts {
  readonly #checks: RequestChecks;
  readonly #known = new Map<SchemaKey, Map<string, ValueIssue | undefined>>();
  #wanted = new Map<SchemaKey, Set<string>>();
  #stop: { key: SchemaKey; reason: string } | undefined;

  constructor(checks: RequestChecks) {
    this.#checks = checks;
  }

  /** The key whose check used up the budget of the request, and why: `cannot be checked within …`. */
  get stop(): { key: SchemaKey; reason: string } | undefined {
    return this.#stop;
  }

  /** Whether {@link of} was only asked for values that have a verdict. */
  get isComplete(): boolean {
    return this.#wanted.size === 0;
  }

  /** @throws {VerdictsMissing} unless {@link isComplete} */
  requireComplete(): void {
    if (!this.isComplete) throw new VerdictsMissing();
  }

  /** What is wrong with a plain value (no targeting); undefined if nothing is, or if it must be checked first. */
  of(key: SchemaKey, value: JsonValue): ValueIssue | undefined {
    if (key.limit !== undefined) return checkLimit(value, key.limit);
    if (key.schemaText() === undefined) return { pointer: '', reason: UNUSABLE };
    const text = JSON.stringify(value);
    const known = this.#known.get(key);
    if (known?.has(text) === true) return known.get(text);
    const wanted = this.#wanted.get(key) ?? new Set();
    this.#wanted.set(key, wanted.add(text));
    return undefined;
  }

  /** Has the values checked that have no verdict yet. */
  async complete(): Promise<void> {
    const wanted = [...this.#wanted].map(([key, texts]) => ({ key, values: [...texts] }));
    this.#wanted = new Map();
    const checked = await this.#checks.checkValues(
      wanted.map(({ key, values }) => ({ text: key.schemaText() ?? '', values })),
    );
    if (checked.isComplete) {
      for (const [index, { key, values }] of wanted.entries()) this.#keep(key, values, checked.result[index]);
      return;
    }
    // A verdict on the value that took too long, so that the next run refuses it and names it.
    const { at, reason } = checked.stop;
    const stopped = wanted[at.schema];
    if (stopped === undefined) return;
    this.#stop = { key: stopped.key, reason };
    const values = at.value === -1 ? stopped.values : stopped.values.slice(at.value, at.value + 1);
    for (const value of values)
      this.#set(stopped.key, value, { pointer: '', reason: `${reason}. ${SIMPLIFY}` });
  }

  #keep(key: SchemaKey, values: readonly string[], verdict: SchemaVerdict | undefined): void {
    for (const [index, value] of values.entries()) {
      const issue = typeof verdict === 'object' ? verdict[index] : 'unusable';
      if (issue === 'unusable') this.#set(key, value, { pointer: '', reason: UNUSABLE });
      else if (issue === 'endless') this.#set(key, value, { pointer: '', reason: ENDLESS });
      else this.#set(key, value, issue ?? undefined);
    }
  }

  #set(key: SchemaKey, value: string, issue: ValueIssue | undefined): void {
    const known = this.#known.get(key) ?? new Map<string, ValueIssue | undefined>();
    this.#known.set(key, known.set(value, issue));
  }
}

function checkLimit(value: JsonValue, limit: LimitDefinition): ValueIssue | undefined {
  const refuse = (reason: string): ValueIssue => ({ pointer: '', reason });
  if (typeof value !== 'number') return refuse('must be a number');
  if (limit.min !== undefined && value < limit.min) return refuse(`must be at least ${limit.min}`);
  if (limit.max !== undefined && value > limit.max) return refuse(`must be at most ${limit.max}`);
  // With the rounding of `clampLimit`, so that 0.3 is a multiple of 0.1.
  if (clampLimit(value, limit) !== value) return refuse(`must be a multiple of ${limit.step}`);
  return undefined;
}
