import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../test-support/runs.ts';
import type { JsonValue } from '../wire.ts';
import { putTogether, ValueLayouts } from './value-layout.ts';

const roundTrip = (value: unknown): unknown => putTogether(new ValueLayouts().takeApart(value as JsonValue));
const nested = (levels: number): JsonValue => {
  let value: JsonValue = 'deep';
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { value } : [value, 1];
  return value;
};

describe('a value that is taken apart', () => {
  it('is put together again, with any name and scalar', () => {
    const layouts = new ValueLayouts();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(putTogether(layouts.takeApart(value as JsonValue))).toStrictEqual(value);
      }),
      { numRuns: runs(500, 5_000) },
    );
  });

  it('keeps empty objects and lists, -0, and lists of objects', () => {
    const value = { a: [], b: {}, c: [{}, [], [[]]], d: -0, e: [-0, null], '': { '': '' } };
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('keeps a property "__proto__" as data', () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1,"constructor":2}}');
    const again = roundTrip(value);
    expect(JSON.stringify(again)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(again)).toBe(Object.prototype);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('has no properties of a polluted prototype', () => {
    Object.assign(Object.prototype, { polluted: 1 });
    const { layout, scalars } = new ValueLayouts().takeApart({ own: 2 });
    Reflect.deleteProperty(Object.prototype, 'polluted');
    expect(layout).not.toContain('polluted');
    expect(scalars).toEqual([2]);
  });

  it('may be nested deeply, or contain itself', () => {
    expect(roundTrip(nested(90))).toStrictEqual(nested(90));
    expect(JSON.stringify(roundTrip(nested(2_000)))).toBe(JSON.stringify(nested(2_000)));
    const cycle: Record<string, unknown> = { name: 'cycle' };
    cycle.self = cycle;
    expect(roundTrip(cycle)).toMatchObject({ name: 'cycle', self: { self: { name: 'cycle' } } });
  });

  it('is taken apart down to 100 levels below the value, and kept as it is from there', () => {
    const rest = (levels: number) => {
      const { scalars } = new ValueLayouts().takeApart(nested(levels));
      return scalars.filter((scalar) => typeof scalar === 'object');
    };
    expect(rest(101)).toEqual([]);
    expect(rest(102)).toEqual([nested(1)]);
    // A property, and an entry of a list that has others.
    expect(rest(103)).toEqual([nested(2)]);
  });

  it('keeps instances of classes as they are', () => {
    const date = new Date(0);
    expect(new ValueLayouts().takeApart({ date, list: [date] } as unknown as JsonValue).scalars).toEqual([
      date,
      date,
    ]);
    expect(roundTrip({ date })).toEqual({ date });
    expect(roundTrip(date)).toBe(date);
  });

  it('does not change with the object that it was', () => {
    const value = { list: ['NL'], inner: { on: true } };
    const apart = new ValueLayouts().takeApart(value);
    value.list.push('BE');
    value.inner.on = false;
    expect(putTogether(apart)).toStrictEqual({ list: ['NL'], inner: { on: true } });
  });
});

describe('layouts', () => {
  it('are shared by values of the same structure, and by no others', () => {
    const layouts = new ValueLayouts();
    const layoutOf = (value: JsonValue) => layouts.takeApart(value).layout;
    const first = layoutOf({ a: 1, b: ['x', 'y'] });
    expect(layoutOf({ a: null, b: [true, 'z'] })).toBe(first);
    const others: JsonValue[] = [
      { b: ['x', 'y'], a: 1 },
      { a: 1, b: ['x'] },
      { a: 1, b: [['x'], 'y'] },
      { a: [1], b: ['x', 'y'] },
      { a: { b: 1 } },
      { a: 1 },
    ];
    const known = others.map(layoutOf);
    expect(new Set([first, ...known]).size).toBe(7);
    expect(others.every((other, index) => layoutOf(other) === known[index])).toBe(true);
  });

  it('have one step for a list of scalars, and none for a scalar that is a property', () => {
    const layouts = new ValueLayouts();
    const steps = (value: JsonValue) => layouts.takeApart(value).layout.length;
    expect([steps([]), steps(['x', null, true, 1]), steps(['x', {}]), steps([[1], [2, 3]])]).toEqual([
      1, 1, 4, 3,
    ]);
    expect([steps('x'), steps({}), steps({ a: 1, b: null }), steps({ a: [1, 2] })]).toEqual([1, 2, 4, 4]);
  });

  it('are forgotten when there are more than 10,000 steps, and not before', () => {
    const layouts = new ValueLayouts();
    const layoutOf = (value: JsonValue) => layouts.takeApart(value).layout;
    const first = layoutOf({ name: 1 });
    // The start of an object is shared; a name and the end are not.
    for (let index = 0; index < 4_998; index++) layoutOf({ [`name${index}`]: 1 });
    layoutOf([]);
    expect(layoutOf({ name: 2 })).toBe(first);
    layoutOf([1]);
    const again = layoutOf({ name: 3 });
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
    expect(layoutOf({ name: 4 })).toBe(again);
  });

  it('hold no scalars of values before', () => {
    const layouts = new ValueLayouts();
    const long = Array.from({ length: 1_500 }, (_, index) => index);
    for (const value of [long, [1], long, ['a', 'b'], []]) {
      expect(layouts.takeApart(value).scalars).toEqual(value);
    }
  });

  it('are put together again after more of them than the index holds', () => {
    const layouts = new ValueLayouts();
    const values = Array.from({ length: 6_000 }, (_, index) => ({
      [`name${index}`]: { inner: index, [`other${index}`]: [index] },
    }));
    const apart = values.map((value) => layouts.takeApart(value));
    expect(apart.map(putTogether)).toStrictEqual(values);
    const long = { list: Array.from({ length: 20_000 }, (_, index) => ({ index })) };
    expect(putTogether(layouts.takeApart(long))).toStrictEqual(long);
  });
});
