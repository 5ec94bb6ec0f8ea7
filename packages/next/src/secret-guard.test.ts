import { expect, it, onTestFinished } from 'vitest';
import { detectorKey } from './detector-key.ts';
import { guardSecret } from './secret-guard.ts';

it('hands each value of a secret to the watch of next dev once, and returns it as it is', () => {
  const watched: unknown[] = [];
  const shared = globalThis as Record<symbol, unknown>;
  shared[detectorKey] = { addRead: (...read: unknown[]) => watched.push(read) };
  onTestFinished(() => {
    delete shared[detectorKey];
  });
  const account = { user: 'the-user-name' };
  for (const value of ['the-first-key', 'the-first-key', account, account, 'the-next-key']) {
    expect(guardSecret('paymentKey', value)).toBe(value);
  }
  expect(watched).toEqual(['the-first-key', account, 'the-next-key'].map((value) => ['paymentKey', value]));
});
