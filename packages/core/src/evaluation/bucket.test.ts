import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../test-support/runs.ts';
import { slowMurmur3 } from '../test-support/slow-interpreter.ts';
import { bucketAfter, bucketOf, murmur3, prepareSalt } from './bucket.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../testdata/flag-vectors.json', import.meta.url), 'utf8'),
) as {
  hashes: { text: string; murmur3: number }[];
  buckets: { salt: string; unit: string; bucket: number }[];
};

describe('murmur3', () => {
  it.each(vectors.hashes)('hashes the vector $text', (vector) => {
    expect(murmur3(vector.text)).toBe(vector.murmur3);
    expect(slowMurmur3(vector.text)).toBe(vector.murmur3);
  });

  it('hashes the UTF-8 of any text, with U+FFFD for a lone surrogate', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(murmur3(value)).toBe(slowMurmur3(value));
      }),
      { numRuns: runs(300, 2_000) },
    );
    expect(murmur3('a\ud800b')).toBe(murmur3('a\ufffdb'));
    expect(murmur3('\udc00')).toBe(murmur3('\ufffd'));
    expect(murmur3('\ud83d')).not.toBe(murmur3('🙂'));
  });

  it('hashes characters of every plane, at any offset in a block', () => {
    for (let point = 0; point <= 0x10ffff; point += runs(0x3d1, 0x3d)) {
      for (const before of ['', 'a', 'ab', 'abc']) {
        const text = `${before}${String.fromCodePoint(point)}z`;
        if (murmur3(text) !== slowMurmur3(text))
          expect(murmur3(text), point.toString(16)).toBe(slowMurmur3(text));
      }
    }
    // After whole blocks, where the length so far counts.
    for (const text of ['abcdé', 'abcdefé', 'abcdefghé', 'abcdefghijkl🙂mno'])
      expect(murmur3(text), text).toBe(slowMurmur3(text));
    // The first and the last character of each UTF-8 length, and the first and the last surrogate.
    for (const point of [
      0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff,
    ]) {
      const text = `${String.fromCodePoint(point)}z`;
      expect(murmur3(text), point.toString(16)).toBe(slowMurmur3(text));
    }
  });
});

describe('the bucket of a unit', () => {
  it('is that of each vector', () => {
    expect(vectors.buckets).toHaveLength(40);
    for (const { salt, unit, bucket } of vectors.buckets) {
      expect(bucketOf(salt, unit), `${salt}:${unit}`).toBe(bucket);
      expect(bucketAfter(prepareSalt(salt), unit), `${salt}:${unit}`).toBe(bucket);
    }
  });

  it('continues from a prepared salt of any length', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 9 }),
        fc.string({ unit: 'binary', maxLength: 9 }),
        (salt, unit) => {
          expect(bucketAfter(prepareSalt(salt), unit)).toBe(slowMurmur3(`${salt}:${unit}`) % 10_000);
        },
      ),
      { numRuns: runs(500, 2_000) },
    );
  });
});
