import { type Mock, vi } from 'vitest';
import type { TokenEvent, TokenProviderOptions } from '../server.ts';
import { TokenProvider } from '../server.ts';

/** What a scripted `fetch` does: answers, throws, or waits for a promise. */
export type Answer = Response | Error | Promise<Response>;

/** A token endpoint's 200. */
export function tokenAnswer(
  accessToken: string,
  more: Record<string, unknown> = { expires_in: 3600 },
): Response {
  return Response.json({ access_token: accessToken, token_type: 'Bearer', ...more });
}

/** A provider whose fetch gives the answers in turn, the last one for ever; one attempt unless asked for more. */
export function setUp(
  answers: Answer[],
  options: Partial<TokenProviderOptions> = {},
): { provider: TokenProvider; fetch: Mock<typeof globalThis.fetch>; events: TokenEvent[] } {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer instanceof Response ? answer.clone() : (answer ?? Response.error());
  });
  const events: TokenEvent[] = [];
  const provider = new TokenProvider({
    authUrl: 'https://auth.example.com',
    clientId: 'client-1',
    clientSecret: 's3cret+/&=ü',
    maxAttempts: 1,
    fetch,
    onEvent: (event) => {
      events.push(event);
    },
    ...options,
  });
  return { provider, fetch, events };
}

/** The form of one call. */
export function bodyOf(fetch: ReturnType<typeof setUp>['fetch'], call = 0): URLSearchParams {
  const body = fetch.mock.calls[call]?.[1]?.body;
  if (typeof body !== 'string') throw new Error('The body is no text.');
  return new URLSearchParams(body);
}

/** The error that a promise ends with. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; status?: number; reason?: string }> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as Error,
  );
}

/** A promise and its two ends. */
export function deferred<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** Lets everything that needs no time run. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}
