import { parseBaseUrl } from './base-url.ts';
import { OptionsError, TokenMalformedError, TokenRejectedError, TokenTransportError } from './errors.ts';
import { describeFailure, transportCause } from './exchange-failure.ts';
import { type Fetch, type HttpAnswer, HttpExchange, isSuccess } from './http-exchange.ts';
import { redact } from './redact.ts';

/** What {@link TokenProvider} takes. */
export interface TokenProviderOptions {
  /** OAuth issuer base URL; the exchange goes to `{authUrl}/token`. https, unless the host is loopback. */
  authUrl: string;
  clientId: string;
  clientSecret: string;
  /** Seconds before its end that a token is replaced; at most a third of its lifetime is used. Default 60. */
  refreshWindowSec?: number | undefined;
  /** Default the global `fetch`. */
  fetch?: Fetch | undefined;
  /** How long one exchange may take, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** Sends credentials over plain http to hosts other than loopback too; default false. */
  allowInsecureHttp?: boolean | undefined;
}

/** Where an access token comes from: a {@link TokenProvider}, or anything with the same two methods. */
export interface AccessTokenSource {
  /** `signal` ends this caller's wait only; an exchange that others wait for goes on. */
  getAccessToken(options?: { signal?: AbortSignal | undefined }): Promise<string>;
  invalidate(rejectedToken?: string): void;
}

const DEFAULT_LIFETIME_SEC = 3600;
/** What is above is capped: a token is not trusted for longer than a day. */
const LONGEST_LIFETIME_SEC = 86_400;
/** The refresh window takes at most this share of a lifetime, or a short token would be replaced at every call. */
const WINDOW_SHARE = 1 / 3;
/** After an exchange that failed inside the window, the old token serves this long before the next try. */
const RETRY_INTERVAL_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

interface CachedToken {
  readonly accessToken: string;
  /** Two clocks: the monotonic one stands while the machine sleeps, and the other one can be set. */
  readonly startedMonotonic: number;
  readonly startedWall: number;
  readonly lifetimeMs: number;
  refreshAfterMs: number;
}

/**
 * OAuth 2.0 client credentials (RFC 6749 §4.4): one access token, kept until its refresh window, exchanged once for any
 * number of concurrent callers. A failed exchange is never kept: the next call tries again.
 *
 * @throws {OptionsError} from the constructor, naming the option that is empty or invalid.
 * @example
 * const tokens = new TokenProvider({ authUrl: 'https://auth.smoo.ai', clientId, clientSecret });
 * const accessToken = await tokens.getAccessToken();
 */
export class TokenProvider implements AccessTokenSource {
  readonly #tokenUrl: string;
  readonly #clientId: string;
  readonly #clientSecret: string;
  readonly #refreshWindowMs: number;
  readonly #timeoutMs: number;
  readonly #http: HttpExchange;
  #cached: CachedToken | undefined;
  #flight: Promise<string> | undefined;

  constructor(options: TokenProviderOptions) {
    const { authUrl, allowInsecureHttp, refreshWindowSec = 60, timeoutMs = 10_000 } = options;
    this.#tokenUrl = `${parseBaseUrl('authUrl', authUrl, { allowInsecureHttp })}/token`;
    this.#clientId = requireText('clientId', options.clientId);
    this.#clientSecret = requireText('clientSecret', options.clientSecret);
    this.#refreshWindowMs = requireNumber('refreshWindowSec', refreshWindowSec, 0) * 1000;
    this.#timeoutMs = requireNumber('timeoutMs', timeoutMs, 1);
    this.#http = new HttpExchange(options.fetch);
  }

  /**
   * The access token: the cached one until the refresh window, then a new one. Where the exchange fails for want of a
   * network or a working server while the old token still lives, the old token is answered.
   *
   * @throws {TokenTransportError} where the token endpoint cannot be reached in time.
   * @throws {TokenRejectedError} where it answers with another status than 2xx.
   * @throws {TokenMalformedError} where its 2xx answer is not JSON, has no `access_token` or is over 64 KiB.
   */
  async getAccessToken(): Promise<string> {
    const cached = this.#cached;
    if (cached !== undefined && age(cached) < cached.refreshAfterMs) return cached.accessToken;
    this.#flight ??= this.#fly();
    return this.#flight;
  }

  /**
   * Drops the cached token, so that the next call exchanges. With `rejectedToken`, only if that is the cached one:
   * late refusals of an old token do not throw a fresh one away. An exchange that began before is neither joined nor
   * kept.
   */
  invalidate(rejectedToken?: string): void {
    if (rejectedToken !== undefined && this.#cached?.accessToken !== rejectedToken) return;
    this.#cached = undefined;
    this.#flight = undefined;
  }

  #fly(): Promise<string> {
    const flight: Promise<string> = this.#exchange().then(
      (token) => {
        // Not the current flight: it began before an invalidation.
        if (this.#flight === flight) {
          this.#flight = undefined;
          this.#cached = token;
        }
        return token.accessToken;
      },
      (error: unknown) => {
        const current = this.#flight === flight;
        if (current) this.#flight = undefined;
        const cached = this.#cached;
        if (current && cached !== undefined && isPassing(error) && age(cached) < cached.lifetimeMs) {
          cached.refreshAfterMs = Math.min(age(cached) + RETRY_INTERVAL_MS, cached.lifetimeMs);
          return cached.accessToken;
        }
        throw error;
      },
    );
    return flight;
  }

  async #exchange(): Promise<CachedToken> {
    const startedMonotonic = performance.now();
    const startedWall = Date.now();
    const { accessToken, lifetimeSec } = this.#readToken(await this.#post());
    const lifetimeMs = lifetimeSec * 1000;
    const refreshAfterMs = lifetimeMs - Math.min(this.#refreshWindowMs, lifetimeMs * WINDOW_SHARE);
    return { accessToken, startedMonotonic, startedWall, lifetimeMs, refreshAfterMs };
  }

  async #post(): Promise<HttpAnswer> {
    try {
      return await this.#http.send({
        url: this.#tokenUrl,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          provider: 'client_credentials',
          client_id: this.#clientId,
          client_secret: this.#clientSecret,
        }).toString(),
        timeoutMs: this.#timeoutMs,
        maxBytes: MAX_ANSWER_BYTES,
      });
    } catch (error) {
      const failure = describeFailure(error);
      const reason = this.#redact(failure.reason);
      throw new TokenTransportError(
        `The token endpoint ${this.#tokenUrl} could not be reached: ${reason}. Check authUrl and the network.`,
        { cause: transportCause(failure, reason) },
      );
    }
  }

  #readToken(answer: HttpAnswer): { accessToken: string; lifetimeSec: number } {
    const body = answer.text === undefined ? undefined : parseObject(answer.text);
    if (!isSuccess(answer.status)) throw this.#rejected(answer.status, body);
    if (answer.text === undefined) throw this.#malformed(`is larger than ${MAX_ANSWER_BYTES / 1024} KiB`);
    if (body === undefined) throw this.#malformed('is no JSON object');
    const { access_token: accessToken, token_type: tokenType } = body;
    if (accessToken === undefined || accessToken === null || accessToken === '') {
      throw this.#malformed('has no access_token');
    }
    // What cannot stand in a header would come back in the words of another error.
    if (typeof accessToken !== 'string' || !/^[\x21-\x7e]+$/.test(accessToken)) {
      throw this.#malformed('has an access_token that cannot be sent in a header');
    }
    if (typeof tokenType === 'string' && tokenType.toLowerCase() !== 'bearer') {
      throw this.#malformed('has another token_type than Bearer');
    }
    return { accessToken, lifetimeSec: readLifetime(body.expires_in) };
  }

  #rejected(status: number, body: Readonly<Record<string, unknown>> | undefined): TokenRejectedError {
    const said = this.#text(body?.error);
    // RFC 6749 §5.2: a code, and never free text.
    const error = said !== undefined && /^[\w.:/-]{1,100}$/.test(said) ? said : undefined;
    const errorDescription = this.#text(body?.error_description) ?? this.#text(body?.message);
    const words = [String(status), error, errorDescription && `(${errorDescription})`]
      .filter(Boolean)
      .join(' ');
    return new TokenRejectedError(
      `The token endpoint ${this.#tokenUrl} refused the exchange: ${words}. ${remedy(status, error)}`,
      {
        status,
        ...(error !== undefined && { error }),
        ...(errorDescription !== undefined && { errorDescription }),
      },
    );
  }

  #malformed(what: string): TokenMalformedError {
    return new TokenMalformedError(
      `The answer of the token endpoint ${this.#tokenUrl} ${what}. Check that authUrl is the OAuth issuer.`,
    );
  }

  #text(value: unknown): string | undefined {
    const text = typeof value === 'string' ? this.#redact(value) : '';
    return text === '' ? undefined : text;
  }

  #redact(text: string): string {
    const held = this.#cached?.accessToken;
    return redact(text, held === undefined ? [this.#clientSecret] : [this.#clientSecret, held]);
  }
}

function age(token: CachedToken): number {
  return Math.max(performance.now() - token.startedMonotonic, Date.now() - token.startedWall);
}

/** Whether an exchange may work on the next try with nothing changed. */
function isPassing(error: unknown): boolean {
  if (error instanceof TokenRejectedError)
    return error.status >= 500 || error.status === 429 || error.status === 408;
  return error instanceof TokenTransportError || error instanceof TokenMalformedError;
}

function remedy(status: number, error: string | undefined): string {
  if (status >= 300 && status < 400) return 'It redirects; set authUrl to where it leads.';
  if (status === 404 || status === 405) return 'Check that authUrl is the OAuth issuer.';
  if (status === 429 || status >= 500) return 'Try again later.';
  return status === 401 || error === 'invalid_client'
    ? 'Check the client id and secret.'
    : 'Check the client.';
}

/** RFC 6749 §5.1 only recommends `expires_in`; servers leave it out, quote it or send 0. */
function readLifetime(value: unknown): number {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds <= 0) return DEFAULT_LIFETIME_SEC;
  return Math.min(seconds, LONGEST_LIFETIME_SEC);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function requireText(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new OptionsError(option, `TokenProvider: "${option}" is empty.`);
}

function requireNumber(option: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return value;
  throw new OptionsError(option, `TokenProvider: "${option}" must be a number of at least ${least}.`);
}
