import { OptionsError } from '../errors.ts';
import { LONGEST_TIMEOUT_MS } from '../http/backoff.ts';
import { parseBaseUrl } from '../http/base-url.ts';
import type { Fetch } from '../http/http-exchange.ts';
import type { TokenEvent } from './token-events.ts';

/** How the client proves who it is: in the form, or by HTTP Basic, form-encoded (RFC 6749 §2.3.1) or as it is. */
export type TokenCredentialsIn = 'body' | 'basic' | 'basic-raw';

/** What a `TokenProvider` takes. */
export interface TokenProviderOptions {
  /** OAuth issuer base URL; the exchange goes to `{authUrl}/token`. https, unless the host is loopback. */
  authUrl: string;
  clientId: string;
  /** A function is asked anew for each attempt, within its time-out: for secrets that rotate or lie in files. */
  clientSecret: string | (() => string | Promise<string>);
  /** Seconds before its end that a token is replaced; at most a third of its lifetime is used. Default 60. */
  refreshWindowSec?: number | undefined;
  /** How long one attempt may take, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** How long an exchange may take with its retries, in milliseconds; default 30,000, or `timeoutMs` if that is more. */
  deadlineMs?: number | undefined;
  /** Attempts of an exchange that callers wait for; default 4, and 1 means no retries. */
  maxAttempts?: number | undefined;
  /** Default `body`. */
  credentialsIn?: TokenCredentialsIn | undefined;
  /** Several are joined by spaces. */
  scope?: string | readonly string[] | undefined;
  audience?: string | undefined;
  /** RFC 8707; several are sent one by one. */
  resource?: string | readonly string[] | undefined;
  /** Further form parameters. They cannot replace the grant type or the credentials. */
  extraParameters?: Readonly<Record<string, string>> | undefined;
  /** Default the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Sends credentials over plain http to hosts other than loopback too; default false. */
  allowInsecureHttp?: boolean | undefined;
  /** Callers wait until a `Retry-After` is over, where that lies within `deadlineMs`; default false: they fail at once. */
  waitWhenThrottled?: boolean | undefined;
  /** Told of every exchange; no event carries a value. What it throws is ignored. */
  onEvent?: ((event: TokenEvent) => void) | undefined;
  /** Given each exchange that nobody waits for, so that a worker lives until it is done, as by `context.waitUntil`. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

/** Options of one call of `getAccessToken`. */
export interface GetAccessTokenOptions {
  /** Ends this caller's wait; an exchange goes on for the others. */
  signal?: AbortSignal | undefined;
  /** In place of the provider's `waitWhenThrottled`. */
  waitWhenThrottled?: boolean | undefined;
}

/** {@link TokenProviderOptions}, checked and complete. */
export interface TokenSettings {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly readSecret: () => unknown;
  readonly refreshWindowMs: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly maxAttempts: number;
  readonly credentialsIn: TokenCredentialsIn;
  /** Form parameters besides the credentials. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Values of parameters that no error may repeat. */
  readonly confidential: readonly string[];
  readonly fetch: Fetch | undefined;
  readonly waitWhenThrottled: boolean;
  readonly onEvent: ((event: TokenEvent) => void) | undefined;
  readonly waitUntil: ((work: Promise<unknown>) => unknown) | undefined;
}

const CREDENTIALS_IN: readonly unknown[] = ['body', 'basic', 'basic-raw'] satisfies TokenCredentialsIn[];
const RESERVED: readonly string[] = ['grant_type', 'client_id', 'client_secret'];
/** A shorter parameter value, such as `true`, could stand in any text, and is no secret. */
const SHORTEST_CONFIDENTIAL = 8;

/** @throws {OptionsError} naming the option that is empty or invalid, never with its value. */
export function readTokenOptions(options: TokenProviderOptions): TokenSettings {
  const { clientSecret, allowInsecureHttp, timeoutMs = 10_000, maxAttempts = 4 } = options;
  const tokenUrl = `${parseBaseUrl('authUrl', options.authUrl, { allowInsecureHttp })}/token`;
  const clientId = requireText('clientId', options.clientId);
  if (typeof clientSecret !== 'function') requireText('clientSecret', clientSecret);
  const refreshWindowMs =
    requireNumber('refreshWindowSec', options.refreshWindowSec ?? 60, { least: 0 }) * 1000;
  requireNumber('timeoutMs', timeoutMs, { least: 1, most: LONGEST_TIMEOUT_MS });
  const deadlineMs = options.deadlineMs ?? Math.max(30_000, timeoutMs);
  requireNumber('deadlineMs', deadlineMs, { least: 1, most: LONGEST_TIMEOUT_MS });
  requireNumber('maxAttempts', maxAttempts, { least: 1 });
  const parameters = readParameters(options);
  return {
    tokenUrl,
    clientId,
    readSecret: typeof clientSecret === 'function' ? clientSecret : () => clientSecret,
    refreshWindowMs,
    timeoutMs,
    deadlineMs,
    maxAttempts,
    credentialsIn: readCredentialsIn(options.credentialsIn ?? 'body', clientId),
    parameters,
    confidential: Object.values(options.extraParameters ?? {}).filter(
      (value) => value.length >= SHORTEST_CONFIDENTIAL,
    ),
    fetch: requireFunction('fetch', options.fetch),
    waitWhenThrottled: options.waitWhenThrottled === true,
    onEvent: requireFunction('onEvent', options.onEvent),
    waitUntil: requireFunction('waitUntil', options.waitUntil),
  };
}

function readParameters(options: TokenProviderOptions): [string, string][] {
  const { scope, audience, resource, extraParameters = {} } = options;
  const parameters: [string, string][] = [];
  if (!Object.hasOwn(extraParameters, 'provider')) parameters.push(['provider', 'client_credentials']);
  const scopes = texts('scope', scope).join(' ');
  if (scopes !== '') parameters.push(['scope', scopes]);
  for (const value of texts('audience', audience)) parameters.push(['audience', value]);
  for (const value of texts('resource', resource)) parameters.push(['resource', value]);
  const taken = [...RESERVED, ...parameters.map(([name]) => name)];
  for (const [name, value] of Object.entries(extraParameters)) {
    if (taken.includes(name) || typeof value !== 'string') {
      const why = typeof value === 'string' ? 'is set by another option; leave it out' : 'must be a string';
      throw new OptionsError('extraParameters', `TokenProvider: "${name}" of "extraParameters" ${why}.`);
    }
    parameters.push([name, value]);
  }
  return parameters;
}

function texts(option: string, value: unknown): string[] {
  if (value === undefined || value === '') return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((entry) => requireText(option, entry));
}

function readCredentialsIn(value: unknown, clientId: string): TokenCredentialsIn {
  if (!CREDENTIALS_IN.includes(value)) {
    throw new OptionsError('credentialsIn', 'TokenProvider: "credentialsIn" is body, basic or basic-raw.');
  }
  if (value === 'basic-raw' && clientId.includes(':')) {
    throw new OptionsError(
      'clientId',
      'TokenProvider: "clientId" holds a colon, which basic-raw cannot carry; use basic.',
    );
  }
  return value as TokenCredentialsIn;
}

function requireText(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new OptionsError(option, `TokenProvider: "${option}" must be a text that is not empty.`);
}

function requireFunction<Value>(option: string, value: Value | undefined): Value | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new OptionsError(option, `TokenProvider: "${option}" must be a function.`);
}

function requireNumber(option: string, value: unknown, limits: { least: number; most?: number }): number {
  const { least, most = Number.MAX_SAFE_INTEGER } = limits;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new OptionsError(option, `TokenProvider: "${option}" must be a number from ${least} to ${most}.`);
}
