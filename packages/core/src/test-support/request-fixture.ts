import { afterEach, beforeEach, expect, type Mock, vi } from 'vitest';
import type { AccessTokenSource } from '../token/token-provider.ts';

/** A token provider that gives `token-1` until it is told that this one was refused, then `token-2`. */
export interface FakeTokens extends AccessTokenSource {
  getAccessToken: Mock<AccessTokenSource['getAccessToken']>;
  invalidate: Mock<() => void>;
}

/** Makes a {@link FakeTokens}. */
export function fakeTokens(): FakeTokens {
  let tokens = 1;
  return {
    getAccessToken: vi.fn<AccessTokenSource['getAccessToken']>(async () => `token-${tokens}`),
    invalidate: vi.fn(() => {
      tokens += 1;
    }),
  };
}

/** Fakes the timers of each test, and fails one that leaves a timer behind. */
export function fakeTimersInEach(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
}
