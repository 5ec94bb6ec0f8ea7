import { afterEach, beforeEach, expect, type Mock, vi } from 'vitest';
import { AuthenticatedRequester, type RequesterOptions } from '../api/authenticated-requester.ts';
import type { ConfigError } from '../errors.ts';
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

type Scripted = Response | Error | Promise<Response>;

/** A request as it was sent. */
interface Sent {
  url: string;
  headers: Headers;
  atMs: number;
}

/** A requester whose fetch returns these responses in turn. A further request fails the test. */
export function setUpRequester(
  responses: Scripted[],
  options: Partial<RequesterOptions> = {},
): { requester: AuthenticatedRequester; sent: Sent[]; tokenProvider: FakeTokens; left: Scripted[] } {
  const sent: Sent[] = [];
  const startedAt = performance.now();
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    sent.push({ url, headers: new Headers(init?.headers), atMs: performance.now() - startedAt });
    const next = responses.shift();
    if (next === undefined) throw new Error(`Missing response ${sent.length}.`);
    if (next instanceof Error) throw next;
    return next;
  };
  const tokenProvider = fakeTokens();
  const requester = new AuthenticatedRequester({
    apiUrl: 'https://api.example.com/base/',
    tokenProvider,
    fetch,
    ...options,
  });
  return { requester, sent, tokenProvider, left: responses };
}

/** The error that a request rejects with, after all its timers. */
export async function failureOf(work: Promise<unknown>): Promise<ConfigError & Record<string, unknown>> {
  const settled = work.then(
    () => new Error('expected a rejection'),
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  const error = await settled;
  if (error instanceof Error && 'code' in error) return error as ConfigError & Record<string, unknown>;
  throw error;
}

/** The body that a request resolves with, after all its timers. */
export async function bodyOf(work: Promise<{ body: unknown }>): Promise<unknown> {
  const settled = Promise.allSettled([work]);
  await vi.runAllTimersAsync();
  const [outcome] = await settled;
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value.body;
}

const RESET = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
/** What `fetch` throws if the connection is reset. */
export const networkError = (): Error => new TypeError('fetch failed', { cause: RESET });
/** A response with a status other than 2xx. */
export const errorResponse = (status: number, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ message: 'not now' }), { status, headers });
