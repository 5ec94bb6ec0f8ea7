import type { JsonSchema, JsonValue, SchemaDocument } from '@smooai/config';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ValueIssue } from './check-job.ts';
import { CheckPool } from './check-pool.ts';
import { RequestChecks } from './request-checks.ts';
import { readSchemaKeys, type SchemaKey } from './schema-keys.ts';
import { ValueVerdicts, VerdictsMissing } from './value-verdicts.ts';

const SLOW: JsonSchema = { type: 'string', pattern: '^(a+)+$' };
/** Two seconds of computing time can take a minute on a busy machine. Nothing waits for this to pass. */
const PATIENCE_MS = 120_000;
const SLOW_TEXT = `${'a'.repeat(40)}!`;

function startVerdicts(): ValueVerdicts {
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  return new ValueVerdicts(new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' }));
}

/** Verdicts that fail if they need a check. */
async function closedVerdicts(): Promise<ValueVerdicts> {
  const pool = new CheckPool();
  await pool.close();
  return new ValueVerdicts(new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' }));
}

function keyOf(schema: JsonSchema, tier = 'publicConfigSchema'): SchemaKey {
  const document = {
    type: 'object',
    properties: { [tier]: { type: 'object', properties: { key: schema } } },
  };
  const key = readSchemaKeys(document as SchemaDocument).get('key');
  if (key === undefined) throw new Error('The document has no key.');
  return key;
}

/** What is wrong with each value, after the checks. */
async function issuesOf(key: SchemaKey, values: readonly JsonValue[]): Promise<(ValueIssue | undefined)[]> {
  const verdicts = startVerdicts();
  for (const value of values) verdicts.of(key, value);
  await verdicts.complete();
  const issues = values.map((value) => verdicts.of(key, value));
  expect(verdicts.isComplete).toBe(true);
  return issues;
}

describe('values', () => {
  it('have a verdict after complete(), each by its own key and text', async () => {
    const verdicts = startVerdicts();
    const [text, number] = [keyOf({ type: 'string' }), keyOf({ type: 'number' })];
    expect(verdicts.isComplete).toBe(true);
    verdicts.requireComplete();
    for (const key of [text, number]) for (const value of [1, '1']) verdicts.of(key, value);
    expect(verdicts.isComplete).toBe(false);
    expect(() => verdicts.requireComplete()).toThrow(VerdictsMissing);
    await verdicts.complete();
    verdicts.requireComplete();
    expect([verdicts.of(text, '1'), verdicts.of(number, 1)]).toEqual([undefined, undefined]);
    expect(verdicts.of(text, 1)).toEqual({ pointer: '', reason: 'must be a string' });
    expect(verdicts.of(number, '1')).toEqual({ pointer: '', reason: 'must be a number' });
    expect(verdicts.isComplete).toBe(true);
    // A further value needs another round, which keeps the verdicts so far.
    verdicts.of(text, 2);
    expect(verdicts.isComplete).toBe(false);
    await verdicts.complete();
    expect(verdicts.of(text, 2)).toEqual({ pointer: '', reason: 'must be a string' });
    expect(verdicts.of(text, 1)).toEqual({ pointer: '', reason: 'must be a string' });
    expect([verdicts.isComplete, verdicts.stop]).toEqual([true, undefined]);
  });

  it('are named by a pointer into them', async () => {
    const key = keyOf({ type: 'object', properties: { a: { type: 'array', items: { type: 'number' } } } });
    expect(await issuesOf(key, [{ a: [1] }, { a: [1, 'x'] }])).toEqual([
      undefined,
      { pointer: '/a/1', reason: 'must be a number' },
    ]);
  });

  it('of limits need no check: a number in the bounds, and a multiple of the step as people count', async () => {
    const verdicts = await closedVerdicts();
    const limit = keyOf(
      { type: 'number', default: 0.2, minimum: 0.1, maximum: 0.7, multipleOf: 0.1 },
      'limitsSchema',
    );
    const reasons = ['1', null, 0, 0.1, 0.3, 0.35, 0.7, 0.8].map(
      (value) => verdicts.of(limit, value)?.reason,
    );
    expect(reasons).toEqual([
      'must be a number',
      'must be a number',
      'must be at least 0.1',
      undefined,
      undefined,
      'must be a multiple of 0.1',
      undefined,
      'must be at most 0.7',
    ]);
    expect(verdicts.of(limit, '1')?.pointer).toBe('');
    expect(verdicts.of(keyOf({ type: 'number', default: 1 }, 'limitsSchema'), -1e9)).toBeUndefined();
    expect(verdicts.isComplete).toBe(true);
  });
});

describe('a schema that cannot be used', () => {
  it('refuses every value at once if it has keywords that are refused today', async () => {
    const verdicts = await closedVerdicts();
    expect(verdicts.of(keyOf({ $async: true }), 1)).toEqual({
      pointer: '',
      reason: expect.stringMatching(/^cannot be checked: this server does not support its schema/),
    });
    expect(verdicts.isComplete).toBe(true);
  });

  it('refuses every value if it does not compile, and those of another key are checked', async () => {
    const verdicts = startVerdicts();
    const [broken, good] = [keyOf({ type: 'text' }), keyOf({ type: 'string' })];
    const ask = () => [
      verdicts.of(broken, 1),
      verdicts.of(broken, 2),
      verdicts.of(good, 1),
      verdicts.of(good, ''),
    ];
    ask();
    await verdicts.complete();
    const unusable = { pointer: '', reason: expect.stringMatching(/^cannot be checked: this server/) };
    expect(ask()).toEqual([unusable, unusable, { pointer: '', reason: 'must be a string' }, undefined]);
  });

  it('refuses a value if it refers to itself without end', async () => {
    const key = keyOf({ $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' });
    expect(await issuesOf(key, ['a', 'b'])).toEqual(
      Array(2).fill({
        pointer: '',
        reason: expect.stringMatching(/^cannot be checked: its schema refers to itself without end/),
      }),
    );
  });
});

describe('a check that takes too long', () => {
  it(
    'refuses the value that it was stopped at, names its key, and leaves no check for others',
    async () => {
      const verdicts = startVerdicts();
      const [before, slow, after] = [keyOf({ type: 'number' }), keyOf(SLOW), keyOf({ type: 'string' })];
      const values = ['a', SLOW_TEXT, 'aa'];
      verdicts.of(before, 1);
      for (const value of values) verdicts.of(slow, value);
      verdicts.of(after, 1);
      await verdicts.complete();
      expect(verdicts.stop).toEqual({
        key: slow,
        reason: expect.stringMatching(/^cannot be checked within the 20\d\d ms of computing time/),
      });
      expect(verdicts.of(slow, SLOW_TEXT)).toEqual({
        pointer: '',
        reason: expect.stringMatching(/^cannot be checked within .*\. Simplify the patterns/),
      });
      expect(verdicts.isComplete).toBe(true);
      // The others have no verdict yet.
      expect([...values.slice(0, 1), ...values.slice(2)].map((value) => verdicts.of(slow, value))).toEqual([
        undefined,
        undefined,
      ]);
      expect(verdicts.isComplete).toBe(false);
      // The budget is used up, so every value that is left of the first key is refused.
      await verdicts.complete();
      for (const value of values)
        expect(verdicts.of(slow, value)?.reason).toMatch(/^cannot be checked within/);
      expect(verdicts.of(before, 1)).toBeUndefined();
      expect(verdicts.isComplete).toBe(false);
    },
    PATIENCE_MS,
  );
});
