import { describe, expect, it } from 'vitest';
import { checkCondition, evaluate, type JsonValue } from '../index.ts';

/** Whether a value satisfies a comparison. */
function decide(comparison: object, value: unknown): unknown {
  const when = { attribute: 'a', ...comparison };
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, { a: value }).value;
}

describe('an operator of numbers', () => {
  it.each<[string, below: boolean, equal: boolean, above: boolean]>([
    ['lt', true, false, false],
    ['lte', true, true, false],
    ['gt', false, false, true],
    ['gte', false, true, true],
    ['before', true, false, false],
    ['after', false, false, true],
  ])('%s: compares with a smaller, an equal and a greater operand', (op, ...expected) => {
    expect([4.5, 5, 5.5].map((value) => decide({ op, values: [5] }, value))).toEqual(expected);
    // Of several operands one is enough, in any order; those of other types do not count.
    const easiest = op.startsWith('l') || op === 'before' ? [3, 5, 1] : [7, 5, 9];
    expect([4.5, 5, 5.5].map((value) => decide({ op, values: [null, ...easiest] }, value))).toEqual(expected);
  });
});

describe('in', () => {
  const many = Array.from({ length: 20 }, (_, index) => `other ${index}`);

  it.each([[[]], [['other']], [many]])('distinguishes upper and lower case, beside %j', (others) => {
    const comparison = { op: 'in', values: [...others, 'NL'] };
    expect(decide(comparison, 'NL')).toBe(true);
    expect(decide(comparison, 'nl')).toBe(false);
    expect(decide({ ...comparison, ignoreCase: true }, 'nl')).toBe(true);
    expect(decide({ ...comparison, ignoreCase: true }, 'be')).toBe(false);
  });

  it('compares numbers and booleans exactly, also with ignoreCase', () => {
    for (const ignoreCase of [false, true]) {
      const comparison = { op: 'in', values: [1, 'true', false], ignoreCase };
      const values = [1, 'true', false, '1', true, 'false'];
      expect(values.map((value) => decide(comparison, value))).toEqual([
        true,
        true,
        true,
        false,
        false,
        false,
      ]);
    }
  });

  it('finds no text among operands that are not strings, also with ignoreCase', () => {
    for (const value of ['', '1', 'null'])
      expect(decide({ op: 'in', values: [1, null], ignoreCase: true }, value), value).toBe(false);
  });

  it.each([[[]], [['other']], [many]])('never finds null, a list or NaN, beside %j', (others) => {
    const list = [null, Number.NaN];
    const comparison = { op: 'in', values: [...others, null, list, Number.NaN] };
    for (const value of [null, list, [list], Number.NaN]) expect(decide(comparison, value)).toBe(false);
  });
});

describe('the name of an operator', () => {
  it('must be a string', () => {
    const condition = { attribute: 'a', op: ['in'], values: ['x'] };
    expect(decide(condition, 'x')).toBe(false);
    expect(checkCondition(condition as unknown as JsonValue).map(({ path }) => path)).toEqual(['op']);
  });
});
