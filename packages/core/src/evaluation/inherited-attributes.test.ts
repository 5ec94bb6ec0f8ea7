import { afterEach, describe, expect, it } from 'vitest';
import type { Condition, ConditionOperator } from '../wire.ts';
import { evaluate } from './evaluate.ts';

const many = Array.from({ length: 20 }, (_, index) => `other-${index}`);
const conditions: [name: string, condition: Record<string, unknown>, value: unknown][] = [
  ['exists', { op: 'exists' }, 'NL'],
  ['in: one operand', { op: 'in', values: ['NL'] }, 'NL'],
  ['in: a few', { op: 'in', values: ['BE', 'NL'] }, 'NL'],
  ['in: many', { op: 'in', values: [...many, 'NL'] }, 'NL'],
  ['in: without case', { op: 'in', values: ['nl'], ignoreCase: true }, 'NL'],
  ['in: a number', { op: 'in', values: [7] }, 7],
  ['in: an element', { op: 'in', values: ['NL'] }, ['NL']],
  ...(['contains', 'startsWith', 'endsWith', 'matches'] as ConditionOperator[]).map(
    (op): [string, Record<string, unknown>, unknown] => [op, { op, values: ['NL'] }, 'NL'],
  ),
  ['lt', { op: 'lt', values: [8] }, 7],
  ['before', { op: 'before', values: ['2026-01-01T00:00:00Z'] }, '2025-01-01T00:00:00Z'],
  ['semverEq', { op: 'semverEq', values: ['2'] }, '2.0.0'],
];

function matches(condition: Record<string, unknown>, attribute: string, context: object): boolean {
  const when = { attribute, ...condition } as Condition;
  const stored = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } };
  return evaluate('key', stored as never, context as never).value === true;
}

describe.each(conditions)('%s', (_, condition, value) => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'inherited');
  });

  it('holds for an own attribute, at the top, under a name with a dot and at the end of a path', () => {
    expect(matches(condition, 'a', { a: value })).toBe(true);
    expect(matches(condition, 'a.b', { 'a.b': value })).toBe(true);
    expect(matches(condition, 'a.b', { a: { b: value } })).toBe(true);
  });

  it('is false for an inherited one, of the context or of an object in it', () => {
    expect(matches(condition, 'a', Object.create({ a: value }))).toBe(false);
    expect(matches(condition, 'a.b', { a: Object.create({ b: value }) })).toBe(false);
    expect(matches(condition, 'a.b', Object.create({ a: { b: value } }))).toBe(false);
    expect(matches(condition, 'a.b', Object.create({ 'a.b': value }))).toBe(false);
    Object.assign(Object.prototype, { inherited: value });
    expect(matches(condition, 'inherited', {})).toBe(false);
    expect(matches(condition, 'a.inherited', { a: {} })).toBe(false);
  });

  it('is false for an attribute that is undefined, null, missing or throws', () => {
    for (const context of [{ a: undefined }, { a: null }, {}, { a: [] }, { a: {} }]) {
      if (condition.op !== 'exists') expect(matches(condition, 'a', context)).toBe(false);
    }
    const throwing = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect(matches(condition, 'a', throwing)).toBe(false);
  });
});

describe('the unit of a rollout', () => {
  it('is an own attribute too', () => {
    const stored = {
      $cohort: { rollout: { variants: [{ value: true, weight: 100 }] }, defaultValue: false },
    };
    expect(evaluate('key', stored, { userId: 'u' }).value).toBe(true);
    expect(evaluate('key', stored, Object.create({ userId: 'u' }))).toEqual({
      value: false,
      source: 'default',
    });
  });
});
