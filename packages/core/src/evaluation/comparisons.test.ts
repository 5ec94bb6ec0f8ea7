import { describe, expect, it } from 'vitest';
import { evaluate, type JsonValue } from '../index.ts';

/** Whether a context matches a condition. */
function decide(when: object, context: object): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, context as Record<string, unknown>).value;
}

/** Each of these is evaluated by a function of its own. */
const comparisons: [string, object][] = [
  ['in with one operand', { op: 'in', values: ['NL'] }],
  ['in with a few operands', { op: 'in', values: ['BE', 'NL'] }],
  ['another operator', { op: 'startsWith', values: ['N'] }],
];

describe.each(comparisons)('%s', (_, comparison) => {
  const country = { attribute: 'country', ...comparison };
  const nested = { attribute: 'address.country', ...comparison };

  it('reads a property of the context, or the path between dots', () => {
    expect(decide(country, { country: 'NL' })).toBe(true);
    expect(decide(nested, { address: { country: 'NL' } })).toBe(true);
    expect(decide(nested, { 'address.country': 'NL' })).toBe(true);
    expect(decide(nested, { country: 'NL' })).toBe(false);
  });

  it('is true for a list if it is for an element', () => {
    expect(decide(country, { country: ['DE', 'NL'] })).toBe(true);
    expect(decide(country, { country: ['DE', 'FR'] })).toBe(false);
    expect(decide(nested, { address: { country: ['DE', 'NL'] } })).toBe(true);
  });

  it('is false for an object, also if it looks like a list', () => {
    expect(decide(country, { country: { length: 1, 0: 'NL' } })).toBe(false);
    expect(decide(country, { country: {} })).toBe(false);
    expect(decide(country, { country: null })).toBe(false);
  });

  it('is false if reading the attribute throws, so its negation is true', () => {
    const context = Object.defineProperty({}, 'country', {
      get: () => {
        throw new Error('unreadable');
      },
    });
    expect(decide(country, context)).toBe(false);
    expect(decide({ not: country }, context)).toBe(true);
    expect(decide({ not: nested }, { address: context })).toBe(true);
  });
});

describe('exists', () => {
  const country = { attribute: 'country', op: 'exists' };

  it('is true for any value but null', () => {
    for (const value of ['', 0, false, [], {}]) expect(decide(country, { country: value })).toBe(true);
    for (const value of [null, undefined]) expect(decide(country, { country: value })).toBe(false);
    const nested = { attribute: 'address.country', op: 'exists' };
    expect(decide(nested, { address: { country: 'NL' } })).toBe(true);
    expect(decide(nested, { address: {} })).toBe(false);
  });

  it('is false if reading the attribute throws, so its negation is true', () => {
    const context = {
      get country(): string {
        throw new Error('unreadable');
      },
    };
    expect(decide(country, context)).toBe(false);
    expect(decide({ not: country }, context)).toBe(true);
  });
});
