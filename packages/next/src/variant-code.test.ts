import { describe, expect, it } from 'vitest';
import { DEFAULT_CODE, decodeVariant, encodeVariant } from './variant-code.ts';

const format = { binding: '[["newCheckout",[false,true]],["theme",["light","dark"]]]', length: 2 };
const secret = 'a'.repeat(32);
const otherSecret = 'b'.repeat(32);

describe('the code of a variant', () => {
  it('is the same for the same positions, and short and safe in a path', () => {
    const code = encodeVariant([1, 1], format, secret);
    expect(code).toMatch(/^[\w-]{24}$/);
    expect(encodeVariant([1, 1], format, secret)).toBe(code);
    expect(decodeVariant(code, format, [secret])).toEqual([1, 1]);
  });

  it('is "default" if every flag has its default', () => {
    expect(encodeVariant([0, 0], format, secret)).toBe(DEFAULT_CODE);
    expect(decodeVariant(DEFAULT_CODE, format, [secret])).toBeUndefined();
  });

  it('carries the largest list of flags and values', () => {
    const large = { binding: 'large', length: 32 };
    const positions = Array.from({ length: 32 }, (_, index) => 255 - index);
    expect(decodeVariant(encodeVariant(positions, large, secret), large, [secret])).toEqual(positions);
  });

  it('does not show its positions', () => {
    const bytes = [1, 2, 3].map((position) =>
      Buffer.from(encodeVariant([position, 0], format, secret), 'base64url').subarray(16),
    );
    const masks = bytes.map(([first = 0, second = 0], index) => [first ^ (index + 1), second]);
    expect(new Set(masks.map(String)).size).toBe(3);
  });

  it('is not valid with any bit changed', () => {
    const bytes = Buffer.from(encodeVariant([1, 0], format, secret), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeVariant(changed.toString('base64url'), format, [secret])).toBeUndefined();
    }
  });

  it('is not valid truncated, extended, spelt otherwise, of other flags, or of another secret', () => {
    // 17 bytes are 23 characters, whose last one has bits to spare.
    const one = { binding: 'one', length: 1 };
    const code = encodeVariant([1], one, secret);
    const last = code.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const sameBytes = `${code.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1]}`;
    expect(Buffer.from(sameBytes, 'base64url')).toEqual(Buffer.from(code, 'base64url'));
    for (const other of [code.slice(0, -1), `${code}A`, sameBytes, ` ${code}`, `${code}=`, '', '__proto__']) {
      expect(decodeVariant(other, one, [secret]), other).toBeUndefined();
    }
    expect(decodeVariant(code, { ...one, binding: 'other' }, [secret])).toBeUndefined();
    expect(decodeVariant(code, one, [otherSecret])).toBeUndefined();
    expect(decodeVariant(code, one, [])).toBeUndefined();
    expect(decodeVariant(code, one, [secret])).toEqual([1]);
  });

  it('is accepted as long as its secret is one of those given', () => {
    const code = encodeVariant([1, 0], format, secret);
    expect(decodeVariant(code, format, [otherSecret, secret])).toEqual([1, 0]);
    expect(encodeVariant([1, 0], format, otherSecret)).not.toBe(code);
  });
});
