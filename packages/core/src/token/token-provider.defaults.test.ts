import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

// What a provider does with no option but the required ones: how often it asks, how long it waits.

/** The options of `setUp` that are not the defaults. */
const defaults = { maxAttempts: undefined };
const unavailable = () => new Response('', { status: 503 });
const never = () => new Promise<Response>(() => undefined);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('an attempt ends after 10 s, and all of them after 30 s', async () => {
  const { provider, events } = setUp([never()], defaults);
  const failure = failureOf(provider.getAccessToken());
  await vi.advanceTimersByTimeAsync(9_999);
  expect(events.map(({ type }) => type)).not.toContain('exchange-failed');
  await vi.advanceTimersByTimeAsync(1);
  expect(events.map(({ type }) => type)).toContain('exchange-failed');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' });
  expect(vi.getTimerCount()).toBe(0);
});

it('makes four attempts', async () => {
  const { provider, fetch } = setUp([unavailable()], defaults);
  const failure = failureOf(provider.getAccessToken());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await failure).toMatchObject({ status: 503 });
  expect(fetch).toHaveBeenCalledTimes(4);
});

it('waits at most 2 s between two attempts', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  const { provider, events } = setUp([unavailable()], { maxAttempts: 10, deadlineMs: 3_600_000 });
  const failure = failureOf(provider.getAccessToken());
  await vi.advanceTimersByTimeAsync(3_600_000);
  await failure;
  const waits = events.flatMap((event) => ('retryInMs' in event ? [event.retryInMs ?? 0] : []));
  expect(Math.max(...waits)).toBe(2_000);
});

it('asks at least every 30 s in the background while that fails', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  const { provider, fetch } = setUp([tokenResponse('t', { expires_in: 86_400 }), unavailable()], {
    ...defaults,
    refreshWindowSec: 10_000,
  });
  await provider.getAccessToken();
  await vi.advanceTimersByTimeAsync(80_000_000);
  for (let failures = 0; failures < 10; failures++) {
    const before = fetch.mock.calls.length;
    await provider.getAccessToken();
    await settle();
    expect(fetch.mock.calls.length).toBe(before + 1);
    await vi.advanceTimersByTimeAsync(30_001);
  }
});
