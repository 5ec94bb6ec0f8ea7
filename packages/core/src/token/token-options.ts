import { OptionsError } from '../errors.ts';
import { LONGEST_TIMEOUT_MS } from '../http/backoff.ts';
import { parseBaseUrl } from '../http/base-url.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { requireNumber, requireText } from '../lib/option-checks.ts';
import type { TokenEvent } from './token-monitor.ts';

/**
 * Where the client credentials are sent. `body`: as form fields. `basic`: by HTTP Basic, form-encoded first as RFC 6749
 * §2.3.1 requires. `basic-raw`: by HTTP Basic without that encoding, for authorization servers that do not decode it.
 */
export type TokenCredentialsIn = 'body' | 'basic' | 'basic-raw';

/** Options of a `TokenProvider`. */
export interface TokenProviderOptions {
  /** OAuth issuer base URL; tokens come from `{authUrl}/token`. https, unless the host is loopback. */
  authUrl: string;
  clientId: string;
  /** A function is called for each attempt, within its `timeoutMs`: for secrets that are rotated or stored in files. */
  clientSecret: string | (() => string | Promise<string>);
  /** Seconds before its expiry that a token is refreshed, at most a third of its lifetime. Default 60. */
  refreshWindowSec?: number | undefined;
  /** Time limit of one attempt in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** Time limit of an exchange with its retries, in milliseconds; default 30,000, or `timeoutMs` if that is more. */
  deadlineMs?: number | undefined;
  /** Attempts of an exchange that callers wait for; default 4. 1 means no retries. */
  maxAttempts?: number | undefined;
  /** Default `body`. */
  credentialsIn?: TokenCredentialsIn | undefined;
  /** Several scopes are joined by spaces. */
  scope?: string | readonly string[] | undefined;
  audience?: string | undefined;
  /** RFC 8707; several resources are sent as separate parameters. */
  resource?: string | readonly string[] | undefined;
  /** Further form parameters. They cannot replace the grant type, the credentials or another option's parameter. */
  extraParameters?: Readonly<Record<string, string>> | undefined;
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Allows plain http to hosts other than loopback; default false. */
  allowInsecureHttp?: boolean | undefined;
  /** Callers wait until a `Retry-After` is over, if that is within `deadlineMs`; default false: they fail at once. */
  waitWhenThrottled?: boolean | undefined;
  /** Called for each event; no event contains a secret or a token. Errors it throws are ignored. */
  onEvent?: ((event: TokenEvent) => void) | undefined;
  /** Called with each background exchange, to keep a worker alive until it is done: `(work) => context.waitUntil(work)`. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

export interface GetAccessTokenOptions {
  /** Ends this caller's wait; the exchange goes on for other callers, and ends with the last of them. */
  signal?: AbortSignal | undefined;
  /**
   * Within the refresh window, waits up to 3 s for the new token; the old one is returned if none comes. For requests
   * that last longer than the rest of the old token's life, such as streams. Default false.
   */
  preferFresh?: boolean | undefined;
  /** Replaces the provider's `waitWhenThrottled`. */
  waitWhenThrottled?: boolean | undefined;
}

/** {@link TokenProviderOptions} with defaults, checked. */
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
  /** Parameter values that no error may repeat. */
  readonly confidential: readonly string[];
  readonly fetch: Fetch | undefined;
  readonly waitWhenThrottled: boolean;
  readonly onEvent: ((event: TokenEvent) => void) | undefined;
  readonly waitUntil: ((work: Promise<unknown>) => unknown) | undefined;
}

const CREDENTIALS_IN: readonly unknown[] = ['body', 'basic', 'basic-raw'] satisfies TokenCredentialsIn[];
const RESERVED: readonly string[] = ['grant_type', 'client_id', 'client_secret'];
/** Shorter parameter values, such as `true`, are not secrets and occur in any text. */
const MIN_CONFIDENTIAL_LENGTH = 8;

/** @throws {OptionsError} naming the option that is missing or invalid; the message does not repeat its value. */
export function readTokenOptions(options: TokenProviderOptions): TokenSettings {
  const { clientSecret, allowInsecureHttp, timeoutMs = 10_000, maxAttempts = 4 } = options;
  const tokenUrl = `${parseBaseUrl('authUrl', options.authUrl, { allowInsecureHttp })}/token`;
  const clientId = requireText('clientId', options.clientId);
  if (typeof clientSecret !== 'function') requireText('clientSecret', clientSecret);
  const refreshWindowMs =
    requireNumber('refreshWindowSec', options.refreshWindowSec ?? 60, { min: 0 }) * 1000;
  requireNumber('timeoutMs', timeoutMs, { min: 1, max: LONGEST_TIMEOUT_MS });
  const deadlineMs = options.deadlineMs ?? Math.max(30_000, timeoutMs);
  requireNumber('deadlineMs', deadlineMs, { min: 1, max: LONGEST_TIMEOUT_MS });
  requireNumber('maxAttempts', maxAttempts, { min: 1 });
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
      (value) => value.length >= MIN_CONFIDENTIAL_LENGTH,
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
  const scopes = textsOf('scope', scope).join(' ');
  if (scopes !== '') parameters.push(['scope', scopes]);
  for (const value of textsOf('audience', audience)) parameters.push(['audience', value]);
  for (const value of textsOf('resource', resource)) parameters.push(['resource', value]);
  const taken = [...RESERVED, ...parameters.map(([name]) => name)];
  for (const [name, value] of Object.entries(extraParameters)) {
    if (taken.includes(name) || typeof value !== 'string') {
      const why = typeof value === 'string' ? 'is set by another option; remove it' : 'must be a string';
      throw new OptionsError('extraParameters', `The parameter "${name}" in "extraParameters" ${why}.`);
    }
    parameters.push([name, value]);
  }
  return parameters;
}

function textsOf(option: string, value: unknown): string[] {
  if (value === undefined || value === '') return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((entry) => requireText(option, entry));
}

function readCredentialsIn(value: unknown, clientId: string): TokenCredentialsIn {
  if (!CREDENTIALS_IN.includes(value)) {
    throw new OptionsError('credentialsIn', '"credentialsIn" must be "body", "basic" or "basic-raw".');
  }
  if (value === 'basic-raw' && clientId.includes(':')) {
    throw new OptionsError(
      'clientId',
      '"clientId" contains a colon, which "basic-raw" cannot send. Use "basic".',
    );
  }
  return value as TokenCredentialsIn;
}

function requireFunction<Value>(option: string, value: Value | undefined): Value | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new OptionsError(option, `"${option}" must be a function.`);
}
