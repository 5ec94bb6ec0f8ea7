import { describe, expect, it } from 'vitest';
import { checkJsonLimits } from './json-limits.ts';

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
};
const check = (value: unknown, maxBytes = 1_000) => checkJsonLimits(value, 'value', maxBytes);
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as unknown;

describe('checkJsonLimits', () => {
  it('allows 64 levels', () => {
    expect(() => check(nested(64))).not.toThrow();
    expect(() => check(nested(65))).toThrow(
      refusal('invalid', /^Field "value" is nested deeper than 64 levels/),
    );
  });

  it('refuses a number that JSON.parse reads as Infinity', () => {
    const value: unknown = JSON.parse('{"list":[1,null,"x",-1e999]}');
    expect(() => check(value)).toThrow(refusal('invalid', /contains a number that is too large/));
    expect(() => check([1, null, 'Infinity', true, 1e308])).not.toThrow();
  });

  it('counts bytes of UTF-8', () => {
    expect(() => check('é', 4)).not.toThrow();
    expect(() => check('é', 3)).toThrow(refusal('too-large', /has 4 bytes as JSON; at most 3/));
  });
});
