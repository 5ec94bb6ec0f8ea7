import { expect, it } from 'vitest';
import { hashCredential, matchesCredential, newClientSecret, newPublishableKey } from './credentials.ts';

it('credentials are 256 random bits with the prefix of their kind', () => {
  expect(newClientSecret()).toMatch(/^sk_[\w-]{43}$/);
  expect(newPublishableKey()).toMatch(/^pk_[\w-]{43}$/);
  expect(newClientSecret()).not.toBe(newClientSecret());
});

it('a credential is stored as its SHA-256', () => {
  expect(hashCredential('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

it('only the credential of the hash matches', () => {
  const stored = hashCredential('sk_right');
  expect(matchesCredential('sk_right', stored)).toBe(true);
  for (const [credential, hash] of [
    ['sk_wrong', stored],
    ['', stored],
    ['sk_right', undefined],
    ['sk_right', ''],
    ['sk_right', stored.slice(0, -2)],
    ['sk_right', `${stored}00`],
    ['sk_right', 'not hexadecimal'],
  ] as const) {
    expect(matchesCredential(credential, hash), `${credential} ${hash}`).toBe(false);
  }
});
