import type * as Crypto from 'node:crypto';
import { timingSafeEqual } from 'node:crypto';
import { beforeEach, expect, it, vi } from 'vitest';
import { hashCredential, matchesCredential } from './credentials.ts';

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof Crypto>();
  return { ...original, timingSafeEqual: vi.fn(original.timingSafeEqual) };
});

beforeEach(() => {
  vi.mocked(timingSafeEqual).mockClear();
});

// How long a comparison takes must not say whether a client exists, nor how much of a hash is right.
it.each([
  ['the right secret', hashCredential('sk_right'), true],
  ['a wrong secret', hashCredential('sk_other'), false],
  ['a client that does not exist', undefined, false],
  ['a damaged hash', 'abc', false],
])('compares all bytes in constant time for %s', (_, stored, matches) => {
  expect(matchesCredential('sk_right', stored)).toBe(matches);
  expect(timingSafeEqual).toHaveBeenCalledTimes(1);
  const [given, other] = vi.mocked(timingSafeEqual).mock.calls[0] ?? [];
  expect([given?.byteLength, other?.byteLength]).toEqual([32, 32]);
});
