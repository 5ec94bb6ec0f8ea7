import { toBase64 } from '../http/base64.ts';
import { Deadline } from '../http/deadline.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { type HttpResponse, isSuccess } from '../http/http-attempt.ts';
import { HttpExchange } from '../http/http-exchange.ts';
import { Moment } from '../http/moment.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import { isThenable } from '../lib/guarded-call.ts';
import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import { readLifetimeSec } from './cached-token.ts';
import { isTransientRefusal, type TokenErrors } from './token-errors.ts';
import type { TokenSettings } from './token-options.ts';

const MAX_RESPONSE_BYTES = 64 * 1024;
/** A longer `Retry-After` counts as an hour, so that a mistake in it cannot lock a process out. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/**
 * A shorter client secret is not searched for in texts of the server: it may be an ordinary word, such as "wrong". RFC 6749
 * §10.10 asks for secrets that cannot be guessed, so issuers do not use such short ones.
 */
const MIN_SECRET_LENGTH = 6;

/** A token as the server issued it. */
export interface GrantedToken {
  value: string;
  lifetimeMs: number;
  /** Before the request. */
  startedAt: Moment;
}

/** A single exchange attempt: reads the secret, posts the form, reads the response. Keeps no state. */
export class TokenExchange {
  readonly #settings: TokenSettings;
  readonly #errors: TokenErrors;
  readonly #http: HttpExchange;

  constructor(settings: TokenSettings, errors: TokenErrors) {
    this.#settings = settings;
    this.#errors = errors;
    this.#http = new HttpExchange(settings.fetch);
  }

  /** @throws {TokenError} and nothing else. */
  async attempt(timeoutMs: number, signal: AbortSignal): Promise<GrantedToken> {
    const startedAt = new Moment();
    const started = performance.now();
    const secret = await this.#readSecret(timeoutMs, signal);
    const secrets = [...formsOf(secret), ...this.#settings.confidential];
    const leftMs = Math.max(1, timeoutMs - (performance.now() - started));
    const response = await this.#post(secret, leftMs, signal).catch((error: unknown) => {
      throw this.#errors.transport(error, secrets);
    });
    if (!isSuccess(response.status)) throw this.#refusal(response, secrets);
    const granted = { ...this.#readToken(response), startedAt };
    if (startedAt.elapsedMs() >= granted.lifetimeMs) throw this.#errors.malformed('expired');
    return granted;
  }

  async #readSecret(timeoutMs: number, signal: AbortSignal): Promise<string> {
    let secret: unknown;
    try {
      secret = this.#settings.readSecret();
      // A secret that is not a promise needs no timer.
      if (isThenable(secret)) secret = await this.#awaitSecret(secret, { timeoutMs, signal });
    } catch (error) {
      if (error instanceof ExchangeFailure) throw this.#errors.transport(error, []);
      throw this.#errors.secretFunction('failed');
    }
    if (typeof secret !== 'string' || secret.trim() === '') {
      throw this.#errors.secretFunction('did not return a non-empty string');
    }
    // Files that hold a secret usually end with a line break.
    return secret.replace(/\r?\n$/, '');
  }

  async #awaitSecret(
    secret: PromiseLike<unknown>,
    limits: { timeoutMs: number; signal: AbortSignal },
  ): Promise<unknown> {
    const deadline = new Deadline(limits);
    try {
      return await deadline.race(Promise.resolve(secret));
    } catch (error) {
      if (deadline.over?.kind !== 'timeout') throw error;
      const reason = `the clientSecret function did not return within ${Math.round(limits.timeoutMs)} ms`;
      throw new ExchangeFailure('timeout', reason, 'ETIMEDOUT');
    } finally {
      deadline.end();
    }
  }

  #post(secret: string, timeoutMs: number, signal: AbortSignal): Promise<HttpResponse> {
    const { tokenUrl, clientId, credentialsIn, parameters } = this.#settings;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    for (const [name, value] of parameters) form.append(name, value);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
    };
    if (credentialsIn === 'body') {
      form.set('client_id', clientId);
      form.set('client_secret', secret);
    } else {
      // RFC 6749 §2.3.1: both are form-encoded first. `basic-raw` is for servers that do not decode them.
      const encode = credentialsIn === 'basic' ? formEncode : (text: string) => text;
      headers.authorization = `Basic ${toBase64(`${encode(clientId)}:${encode(secret)}`)}`;
    }
    const body = form.toString();
    return this.#http.send({
      url: tokenUrl,
      method: 'POST',
      headers,
      body,
      timeoutMs,
      signal,
      maxBytes: MAX_RESPONSE_BYTES,
    });
  }

  #refusal(response: HttpResponse, secrets: readonly string[]): Error {
    const { status, text } = response;
    const rejected = this.#errors.rejected(
      status,
      text === undefined ? undefined : parseObject(text),
      secrets,
    );
    const retryAfterMs = isTransientRefusal(rejected) ? retryAfterOf(response) : 0;
    return retryAfterMs > 0
      ? this.#errors.throttled(retryAfterMs, { status, description: rejected.errorDescription })
      : rejected;
  }

  #readToken({ text }: HttpResponse): { value: string; lifetimeMs: number } {
    if (text === undefined) throw this.#errors.malformed('too-large');
    const body = parseObject(text);
    if (body === undefined) throw this.#errors.malformed('not-json');
    const { access_token: value, token_type: tokenType } = body;
    if (value === undefined || value === null || value === '') throw this.#errors.malformed('no-token');
    // `fetch` would quote a token that is not valid in a header in its own error.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw this.#errors.malformed('unusable-token');
    }
    // RFC 6749 §7.1: a client must not use a token of an unknown type. Some servers omit the type.
    const isBearer = typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer';
    if (tokenType !== undefined && tokenType !== null && !isBearer) {
      throw this.#errors.malformed('token-type');
    }
    return { value, lifetimeMs: readLifetimeSec(body.expires_in) * 1000 };
  }
}

/** The pause in milliseconds that the server asks for, else 0. */
function retryAfterOf({ headers }: HttpResponse): number {
  return Math.min(readRetryAfter(headers) ?? 0, MAX_RETRY_AFTER_MS);
}

/** What no error may repeat of a client secret. */
function formsOf(secret: string): string[] {
  return secret.length < MIN_SECRET_LENGTH ? [] : [secret, formEncode(secret)];
}

function formEncode(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  return isRecord(value) ? value : undefined;
}
