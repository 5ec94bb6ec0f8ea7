import { afterEach, beforeEach, expect, type Mock, vi } from 'vitest';
import type { AccessTokenSource } from '../token/token-provider.ts';

/** A token provider that returns `token-1` until it is invalidated, then `token-2`, and so on. */
export interface FakeTokens extends AccessTokenSource {
  getAccessToken: Mock<AccessTokenSource['getAccessToken']>;
  invalidate: Mock<() => void>;
}

export function fakeTokens(): FakeTokens {
  let tokens = 1;
  return {
    getAccessToken: vi.fn<AccessTokenSource['getAccessToken']>(async () => `token-${tokens}`),
    invalidate: vi.fn(() => {
      tokens += 1;
    }),
  };
}

/** Uses fake timers in each test. A test that leaves a timer behind fails. */
export function fakeTimersInEach(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
}
