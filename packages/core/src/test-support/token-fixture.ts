import { type Mock, vi } from 'vitest';
import type { TokenEvent, TokenProviderOptions } from '../server.ts';
import { TokenProvider } from '../server.ts';

/** What a scripted `fetch` does: returns a response, throws, or waits for a promise. */
export type Scripted = Response | Error | Promise<Response>;

/** A 200 of a token endpoint. */
export function tokenResponse(
  accessToken: string,
  more: Record<string, unknown> = { expires_in: 3600 },
): Response {
  return Response.json({ access_token: accessToken, token_type: 'Bearer', ...more });
}

/** A provider whose fetch returns these responses in turn and repeats the last one. It makes a single attempt by default. */
export function setUp(
  responses: Scripted[],
  options: Partial<TokenProviderOptions> = {},
): { provider: TokenProvider; fetch: Mock<typeof globalThis.fetch>; events: TokenEvent[] } {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => {
    const next = responses.length > 1 ? responses.shift() : responses[0];
    if (next instanceof Error) throw next;
    return next instanceof Response ? next.clone() : (next ?? Response.error());
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

/** The form that a call sent. */
export function bodyOf(fetch: ReturnType<typeof setUp>['fetch'], call = 0): URLSearchParams {
  const body = fetch.mock.calls[call]?.[1]?.body;
  if (typeof body !== 'string') throw new Error('The body is not a string.');
  return new URLSearchParams(body);
}

/** The error that a promise rejects with. */
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

/** A promise with the functions that settle it. */
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

/** Runs everything that does not wait for a timer. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}
