import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AttemptLimiter } from './attempt-limiter.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('refuses after the allowed failures until the window ends', () => {
  const limiter = new AttemptLimiter({ maxFailures: 2, windowSec: 60 });
  limiter.failed('a');
  expect(limiter.retryAfterSec('a')).toBeUndefined();
  vi.advanceTimersByTime(10_000);
  limiter.failed('a');
  expect(limiter.retryAfterSec('a')).toBe(50);
  expect(limiter.retryAfterSec('b')).toBeUndefined();
  vi.advanceTimersByTime(49_999);
  expect(limiter.retryAfterSec('a')).toBe(1);
  vi.advanceTimersByTime(1);
  expect(limiter.retryAfterSec('a')).toBeUndefined();
});

it('still refuses a key under attack while many other keys fail once', () => {
  const limiter = new AttemptLimiter({ maxFailures: 1, windowSec: 60 });
  for (let other = 0; other < 30_000; other += 1) {
    limiter.failed(`other ${other}`);
    limiter.failed('a');
  }
  expect(limiter.retryAfterSec('a')).toBe(60);
  expect(limiter.retryAfterSec('other 0')).toBeUndefined();
});
