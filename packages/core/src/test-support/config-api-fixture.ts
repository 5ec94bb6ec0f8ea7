import type { ConfigError } from '../index.ts';
import { ConfigApi } from '../server.ts';
import type { Ruleset } from '../wire.ts';
import { type FakeTokens, fakeTokens } from './request-fixture.ts';
import { rulesetOf } from './ruleset.ts';

/** A request as it was sent. */
export interface Sent {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Headers;
  body: unknown;
}

/** An API client whose fetch returns these responses in turn and repeats the last one. `sent` lists its requests. */
export function setUp(
  responses: (Response | Error | Promise<Response>)[],
  options: { timeoutMs?: number; retries?: number } = {},
): { api: ConfigApi; sent: Sent[]; tokenProvider: FakeTokens } {
  const sent: Sent[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    sent.push({
      method: init?.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: new Headers(init?.headers),
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    const next = responses.length > 1 ? responses.shift() : responses[0];
    if (next instanceof Error) throw next;
    return next ?? Response.error();
  };
  const tokenProvider = fakeTokens();
  const api = new ConfigApi({
    apiUrl: 'https://config.example.com/base/',
    organizationId: 'org 1',
    tokenProvider,
    fetch,
    ...options,
  });
  return { api, sent, tokenProvider };
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<ConfigError & Record<string, unknown>> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as ConfigError & Record<string, unknown>,
  );
}

/** A body of the ruleset endpoint. */
export const RULESET: Ruleset = rulesetOf({ revision: '7' });
/** The base path of {@link setUp}'s API. */
export const CONFIG = '/base/organizations/org%201/config';
