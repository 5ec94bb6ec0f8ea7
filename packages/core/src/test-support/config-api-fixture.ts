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

/** An API client whose answers are given, the last of them again and again; `sent` has what it asked. */
export function setUp(
  answers: (Response | Error | Promise<Response>)[],
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
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer ?? Response.error();
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

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<ConfigError & Record<string, unknown>> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as ConfigError & Record<string, unknown>,
  );
}

/** An answer of the ruleset endpoint. */
export const RULESET: Ruleset = rulesetOf({ revision: '7' });
/** The path of {@link setUp}'s API. */
export const CONFIG = '/base/organizations/org%201/config';
