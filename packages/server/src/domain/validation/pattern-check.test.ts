import type { JsonValue } from '@smooai/config';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Pattern } from './check-job.ts';
import { CheckPool } from './check-pool.ts';
import { PatternChecker, patternsIn } from './pattern-check.ts';
import { RequestChecks } from './request-checks.ts';

function startChecks(): RequestChecks {
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  return new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' });
}

/** Checks of a request that can analyse nothing. */
async function closedChecks(): Promise<RequestChecks> {
  const pool = new CheckPool();
  await pool.close();
  return new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' });
}

const pattern = (source: string, flags: Pattern['flags'] = 'u'): Pattern => ({ source, flags });

describe('patterns', () => {
  it('are accepted if no text takes exponential time, with the flags that they run with', async () => {
    const patterns = [
      pattern('^[a-z]+@shop\\.test$'),
      pattern('^(a+)+$'),
      pattern('^(a|A)+$'),
      pattern('^(a|A)+$', 'iu'),
    ];
    const check = await new PatternChecker().prepare(patterns, startChecks());
    expect(check('^[a-z]+@shop\\.test$', 'u')).toBeUndefined();
    expect(check('^(a+)+$', 'u')).toMatch(/^is a pattern that takes exponential time/);
    expect(check('^(a|A)+$', 'u')).toBeUndefined();
    expect(check('^(a|A)+$', 'iu')).toMatch(/^is a pattern that takes exponential time/);
  });

  it('are refused if they were not prepared', async () => {
    const check = await new PatternChecker().prepare([pattern('a')], startChecks());
    expect(check('a', 'iu')).toMatch(/could not be proven safe/);
    expect(check('b', 'u')).toMatch(/could not be proven safe/);
  });

  it('are refused without an analysis if they are too long or invalid', async () => {
    const long = 'x'.repeat(1_001);
    const check = await new PatternChecker().prepare(
      [pattern(long), pattern('('), pattern('\\-')],
      await closedChecks(),
    );
    expect(check(long, 'u')).toBe('is a pattern of more than 1000 characters');
    for (const source of ['(', '\\-'])
      expect(check(source, 'u')).toMatch(/^is not a valid regular expression/);
    const longest = 'x'.repeat(1_000);
    const allowed = await new PatternChecker().prepare([pattern(longest)], startChecks());
    expect(allowed(longest, 'u')).toBeUndefined();
  });

  it('are at most 100 different ones', async () => {
    const checker = new PatternChecker();
    const invalid = (count: number) => Array.from({ length: count }, (_, index) => pattern(`(${index}`));
    const checks = await closedChecks();
    await checker.prepare([...invalid(100), ...invalid(100)], checks);
    await expect(checker.prepare(invalid(101), checks)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('at most 100 different patterns'),
    });
  });

  it('are analysed once, for all requests', async () => {
    const checker = new PatternChecker();
    await checker.prepare([pattern('^(a+)+$'), pattern('a')], startChecks());
    const check = await checker.prepare([pattern('^(a+)+$'), pattern('a')], await closedChecks());
    expect(check('^(a+)+$', 'u')).toMatch(/exponential/);
    expect(check('a', 'u')).toBeUndefined();
    await expect(checker.prepare([pattern('b')], await closedChecks())).rejects.toMatchObject({
      code: 'busy',
    });
  });
});

describe('patternsIn', () => {
  it('finds every pattern, with its flags, even in a value of an invalid shape', () => {
    const matches = (values: JsonValue, ignoreCase?: JsonValue): JsonValue => ({
      attribute: 'a',
      op: 'matches',
      values,
      ...(ignoreCase !== undefined && { ignoreCase }),
    });
    const value: JsonValue = {
      $cohort: {
        rules: [
          { when: { all: [{ not: matches(['one', 5, 'two']) }, { any: [matches(['three'], true)] }] } },
          [
            matches(['four'], 'yes'),
            matches('five'),
            { ...(matches([]) as object), op: 'in', values: ['six'] },
          ],
        ],
        defaultValue: null,
      },
      other: { ...(matches(['seven'], true) as object), more: matches(['eight']) },
    };
    expect(patternsIn(value)).toEqual([
      pattern('one'),
      pattern('two'),
      pattern('three', 'iu'),
      pattern('four'),
      pattern('seven', 'iu'),
      pattern('eight'),
    ]);
    for (const plain of [null, 'a', 1, true, []]) expect(patternsIn(plain)).toEqual([]);
  });
});
