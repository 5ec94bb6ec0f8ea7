import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  compile,
  compileSegments,
  type Evaluation,
  type EvaluationContext,
  evaluate,
  type JsonValue,
  type Segments,
} from '../index.ts';
import { slowEvaluate } from '../test-support/slow-interpreter.ts';

interface Vectors {
  segments: Segments;
  cases: { key: string; stored: JsonValue; context: EvaluationContext; expect: Evaluation }[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../testdata/flag-vectors.json', import.meta.url), 'utf8'),
) as Vectors;

/** Whether a context matches a condition. */
function decide(when: unknown, context: EvaluationContext): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, context).value;
}

describe('the shared vectors', () => {
  it('are 1,200 cases', () => {
    expect(vectors.cases).toHaveLength(1200);
  });

  it('pass through evaluate', () => {
    for (const [index, vector] of vectors.cases.entries()) {
      const result = evaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(result, `case ${index}`).toStrictEqual(vector.expect);
    }
  });

  it('pass through compile with shared segments, twice each', () => {
    const segments = compileSegments(vectors.segments);
    for (const [index, vector] of vectors.cases.entries()) {
      const run = compile(vector.key, vector.stored, segments);
      expect(run(vector.context), `case ${index}`).toStrictEqual(vector.expect);
      expect(run(vector.context), `case ${index}, again`).toStrictEqual(vector.expect);
    }
  });

  it('pass through the slow interpreter of the other tests', () => {
    for (const [index, vector] of vectors.cases.entries()) {
      const result = slowEvaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(result, `case ${index}`).toStrictEqual(vector.expect);
    }
  });
});

describe('a result', () => {
  it('has the stored value itself, and is frozen if it is shared', () => {
    const layout = { columns: 3 };
    const run = compile('f', layout);
    expect(run().value).toBe(layout);
    expect(run()).toBe(run({ userId: 'u' }));
    expect(Object.isFrozen(run())).toBe(true);
  });

  it('keeps -0 apart from 0', () => {
    const rule = (id: string, value: number) => ({
      id,
      when: { attribute: 'id', op: 'in', values: [id] },
      value,
    });
    for (const defaultValue of [0, -0]) {
      const flag = { $cohort: { rules: [rule('one', -0), rule('two', 0)], defaultValue } } as JsonValue;
      const values = ['one', 'two', 'three'].map((id) => evaluate('f', flag, { id }).value);
      expect(values).toStrictEqual([-0, 0, defaultValue]);
    }
  });

  it('is bucketed by strings, numbers and booleans only, each as a string', () => {
    const flag: JsonValue = {
      $cohort: { rollout: { variants: [{ value: 1, weight: 100 }] }, defaultValue: 'default' },
    };
    const bucket = (userId: unknown): unknown => evaluate('f', flag, { userId }).rolloutBucket;
    expect(bucket(12)).toBe(bucket('12'));
    expect(bucket(true)).toBe(bucket('true'));
    expect(bucket(-0)).toBe(bucket('0'));
    for (const missing of ['', null, undefined, {}, [], ['u'], 1n]) expect(bucket(missing)).toBeUndefined();
  });
});

describe('a condition', () => {
  it('prefers an own property with a dot in its name to a path', () => {
    const when = { attribute: 'app.version', op: 'in', values: ['own'] };
    expect(decide(when, { 'app.version': 'own', app: { version: 'path' } })).toBe(true);
    expect(decide(when, { app: { version: 'own' } })).toBe(true);
    expect(decide(when, { 'app.version': null, app: { version: 'own' } })).toBe(false);
  });

  it('does not match the id of its rule', () => {
    for (const values of [['NL'], ['NL', 'BE']]) {
      expect(decide({ attribute: 'country', op: 'in', values }, { country: 'r' })).toBe(false);
    }
  });

  it('with ignoreCase keeps the character classes of a pattern', () => {
    const when = { attribute: 'a', op: 'matches', values: ['^\\D+$', '^\\p{Lu}{2}$'], ignoreCase: true };
    expect(decide(when, { a: 'NL' })).toBe(true);
    expect(decide(when, { a: '12' })).toBe(false);
  });

  it('accepts a leap second only at the end of a day in UTC', () => {
    const isAfter = (at: string): unknown =>
      decide({ attribute: 'at', op: 'after', values: ['2016-12-31T23:59:59.9Z'] }, { at });
    expect(isAfter('2016-12-31T23:59:60Z')).toBe(true);
    expect(isAfter('2017-01-01T00:59:60+01:00')).toBe(true);
    expect(isAfter('2017-01-01T12:00:60Z')).toBe(false);
    expect(isAfter('2017-01-01T12:00:61Z')).toBe(false);
  });

  it('compares fractions of a millisecond', () => {
    const when = { attribute: 'at', op: 'after', values: ['2026-01-01T00:00:00.001Z'] };
    expect(decide(when, { at: '2026-01-01T00:00:00.0015Z' })).toBe(true);
    expect(decide(when, { at: '2026-01-01T00:00:00.001000Z' })).toBe(false);
  });
});
