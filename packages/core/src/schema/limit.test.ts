import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clampLimit, defineLimit, isConfigError, type LimitOptions } from '../index.ts';

describe('defineLimit', () => {
  it('returns a frozen copy of its options, without those left out', () => {
    const limit = defineLimit({ default: 20, min: 1, max: 100 });
    expect(limit).toStrictEqual({ default: 20, min: 1, max: 100 });
    expect(Object.isFrozen(limit)).toBe(true);
  });

  it.each<[string, LimitOptions]>([
    ['default', { default: Number.NaN }],
    ['default', { default: '20' as unknown as number }],
    ['default', {} as LimitOptions],
    ['min', { default: 1, min: Number.NEGATIVE_INFINITY }],
    ['max', { default: 1, max: Number.POSITIVE_INFINITY }],
    ['step', { default: 1, step: Number.NaN }],
    ['min', { default: 5, min: 6, max: 4 }],
    ['default', { default: 0, min: 1 }],
    ['default', { default: 11, max: 10 }],
    ['default', { default: 15, step: 10 }],
    ['default', { default: 0.35, step: 0.1 }],
    ['step', { default: 0, step: 0 }],
    ['step', { default: 1, step: -1 }],
  ])('refuses an invalid %s: %j', (name, options) => {
    expect(() => defineLimit(options)).toThrow(`"${name}"`);
    try {
      defineLimit(options);
    } catch (error) {
      expect(isConfigError(error, 'ERR_SCHEMA_INVALID')).toBe(true);
    }
  });

  it.each<LimitOptions>([
    { default: 0.3, step: 0.1 },
    { default: 0.7, step: 0.1 },
    { default: 1.1, step: 0.1 },
    { default: -0.3, step: 0.1 },
    { default: 4.35, step: 0.01 },
    { default: Number.MAX_SAFE_INTEGER, step: 1 },
    { default: 1e21, step: 1e20 },
    { default: 3e-7, step: 1e-7 },
    { default: 5, min: 5, max: 5 },
    { default: -5, max: -1, step: 5 },
  ])('accepts %j', (options) => {
    expect(defineLimit(options)).toStrictEqual(options);
  });
});

describe('clampLimit', () => {
  const plain = defineLimit({ default: 20, min: 1, max: 100 });

  it.each<[unknown, number]>([
    [50, 50],
    [0, 1],
    [1000, 100],
    ['42', 42],
    [' 42 ', 42],
    ['1e2', 100],
    ['', 20],
    ['  ', 20],
    ['12px', 20],
    ['NaN', 20],
    ['Infinity', 20],
    [Number.NaN, 20],
    [Number.POSITIVE_INFINITY, 20],
    [Number.NEGATIVE_INFINITY, 20],
    [null, 20],
    [undefined, 20],
    [true, 20],
    [[5], 20],
    [{ valueOf: () => 5 }, 20],
    [Symbol('5'), 20],
  ])('case %#: returns the number for a stored value', (stored, returned) => {
    expect(clampLimit(stored, plain)).toBe(returned);
  });

  it.each<[number, number, number]>([
    [0.1 + 0.2, 0.1, 0.3],
    [0.3, 0.1, 0.3],
    [0.35, 0.1, 0.4],
    [1.15, 0.1, 1.2],
    [-1.15, 0.1, -1.2],
    [1.005, 0.01, 1.01],
    [2.5, 1, 3],
    [-2.5, 1, -3],
    [-2.4, 1, -2],
    [0.49, 1, 0],
    [-0.49, 1, 0],
    [-0, 1, 0],
    [7, 5, 5],
    [7.5, 5, 10],
    [-7.5, 5, -10],
    [1e-7, 1e-7, 1e-7],
    [2.5e-7, 1e-7, 3e-7],
    [Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER],
    [1e21, 1, 1e21],
    [1, 1e300, 0],
    [1.7e308, 1.1e308, 1.1e308],
    [5e-324, 5e-324, 5e-324],
  ])('rounds %d to a multiple of %d: %d', (stored, step, returned) => {
    expect(clampLimit(stored, { default: 0, step })).toBe(returned);
  });

  it('never returns negative zero', () => {
    expect(clampLimit(-0, { default: 1 })).toBe(0);
    expect(clampLimit('-0', { default: 1 })).toBe(0);
  });

  it('rounds before it clamps', () => {
    expect(clampLimit(99, defineLimit({ default: 0, step: 10, max: 95 }))).toBe(95);
    expect(clampLimit(1, defineLimit({ default: 10, step: 10, min: 3 }))).toBe(3);
  });

  it('ignores an invalid step', () => {
    for (const step of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(clampLimit(7, { default: 0, step })).toBe(7);
    }
  });

  it('returns a finite number within the bounds for any value', () => {
    const bounds = fc.tuple(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const step = fc.option(fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(bounds, step, fc.anything(), ([one, two], width, stored) => {
        const [min, max] = one < two ? [one, two] : [two, one];
        const returned = clampLimit(stored, {
          default: min,
          min,
          max,
          ...(width !== undefined && { step: width }),
        });
        expect(Number.isFinite(returned)).toBe(true);
        expect(returned >= min && returned <= max).toBe(true);
      }),
    );
  });

  it('leaves a rounded number unchanged', () => {
    const hundredths = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((number) => number / 1_000);
    const steps = fc.integer({ min: 1, max: 10_000 }).map((number) => number / 100);
    fc.assert(
      fc.property(hundredths, steps, (stored, step) => {
        const returned = clampLimit(stored, { default: 0, step });
        expect(clampLimit(returned, { default: 0, step })).toBe(returned);
        expect(() => defineLimit({ default: returned, step })).not.toThrow();
        expect(Math.abs(returned - stored)).toBeLessThanOrEqual(step / 2 + 1e-9);
        expect(clampLimit(-stored, { default: 0, step })).toBe(returned === 0 ? 0 : -returned);
      }),
    );
  });

  it('agrees with integer arithmetic', () => {
    const integer = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(integer, fc.integer({ min: 1, max: 1_000 }), (stored, step) => {
        const steps = Math.floor((2 * Math.abs(stored) + step) / (2 * step));
        const expected = Math.sign(stored) * steps * step;
        // A tenth of both must give a tenth of the result.
        expect(clampLimit(stored, { default: 0, step })).toBe(expected === 0 ? 0 : expected);
        expect(clampLimit(stored / 10, { default: 0, step: step / 10 })).toBe(
          expected === 0 ? 0 : expected / 10,
        );
      }),
    );
  });
});
