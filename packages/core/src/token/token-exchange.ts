import { binaryOf } from '../http/base64.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { type HttpAnswer, HttpExchange, isSuccess } from '../http/http-exchange.ts';
import { Moment } from '../http/moment.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { readLifetimeSec } from './cached-token.ts';
import { isTransientRefusal, type TokenErrors } from './token-errors.ts';
import type { TokenSettings } from './token-options.ts';

const MAX_ANSWER_BYTES = 64 * 1024;
/** A longer `Retry-After` counts as an hour: a mistake in it must not lock a process out for good. */
const LONGEST_THROTTLE_MS = 3_600_000;

/** A token as the server granted it. */
export interface GrantedToken {
  value: string;
  lifetimeMs: number;
  /** Before the request. */
  startedAt: Moment;
}

/** One attempt: reads the secret, posts the form, reads the answer. Keeps nothing. */
export class TokenExchange {
  readonly #settings: TokenSettings;
  readonly #failures: TokenErrors;
  readonly #http: HttpExchange;

  constructor(settings: TokenSettings, failures: TokenErrors) {
    this.#settings = settings;
    this.#failures = failures;
    this.#http = new HttpExchange(settings.fetch);
  }

  /** @throws {TokenError} always one of them. */
  async attempt(timeoutMs: number, signal: AbortSignal): Promise<GrantedToken> {
    const startedAt = new Moment();
    const started = performance.now();
    const secret = await this.#readSecret(timeoutMs);
    const secrets = [secret, formEncode(secret), ...this.#settings.confidential];
    const leftMs = Math.max(1, timeoutMs - (performance.now() - started));
    const answer = await this.#post(secret, leftMs, signal).catch((error: unknown) => {
      throw this.#failures.transport(error, secrets);
    });
    if (!isSuccess(answer.status)) throw this.#refusal(answer, secrets);
    const granted = { ...this.#readToken(answer), startedAt };
    if (startedAt.elapsedMs() >= granted.lifetimeMs) throw this.#failures.malformed('expired');
    return granted;
  }

  async #readSecret(timeoutMs: number): Promise<string> {
    let secret: unknown;
    try {
      secret = await within(timeoutMs, this.#settings.readSecret());
    } catch (error) {
      if (error instanceof ExchangeFailure) throw this.#failures.transport(error, []);
      throw this.#failures.secretFunction('failed');
    }
    if (typeof secret !== 'string' || secret.trim() === '') {
      throw this.#failures.secretFunction('gave no text');
    }
    // A file that holds a secret mostly ends with a line break.
    return secret.replace(/\r?\n$/, '');
  }

  #post(secret: string, timeoutMs: number, signal: AbortSignal): Promise<HttpAnswer> {
    const { tokenUrl, clientId, credentialsIn, parameters } = this.#settings;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    for (const [name, value] of parameters) form.append(name, value);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (credentialsIn === 'body') {
      form.set('client_id', clientId);
      form.set('client_secret', secret);
    } else {
      // RFC 6749 §2.3.1: both are form-encoded first. Servers that never heard of it need `basic-raw`.
      const encode = credentialsIn === 'basic' ? formEncode : (text: string) => text;
      headers.authorization = `Basic ${btoa(binaryOf(`${encode(clientId)}:${encode(secret)}`))}`;
    }
    const body = form.toString();
    return this.#http.send({
      url: tokenUrl,
      method: 'POST',
      headers,
      body,
      timeoutMs,
      signal,
      maxBytes: MAX_ANSWER_BYTES,
    });
  }

  #refusal(answer: HttpAnswer, secrets: readonly string[]): Error {
    const { status, text } = answer;
    const rejected = this.#failures.rejected(
      status,
      text === undefined ? undefined : parseObject(text),
      secrets,
    );
    const retryAfterMs = isTransientRefusal(rejected) ? retryAfterOf(answer) : 0;
    return retryAfterMs > 0 ? this.#failures.throttled(retryAfterMs, status) : rejected;
  }

  #readToken({ text }: HttpAnswer): { value: string; lifetimeMs: number } {
    if (text === undefined) throw this.#failures.malformed('too-large');
    const body = parseObject(text);
    if (body === undefined) throw this.#failures.malformed('not-json');
    const { access_token: value, token_type: tokenType } = body;
    if (value === undefined || value === null || value === '') throw this.#failures.malformed('no-token');
    // What cannot stand in a header would come back in the words of another error.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw this.#failures.malformed('unusable-token');
    }
    // RFC 6749 §7.1: a client must not use a token of a type that it does not understand. Some servers leave it out.
    const isBearer = typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer';
    if (tokenType !== undefined && tokenType !== null && !isBearer)
      throw this.#failures.malformed('token-type');
    return { value, lifetimeMs: readLifetimeSec(body.expires_in) * 1000 };
  }
}

/** Milliseconds that the server wants to be left alone, else 0. A date is held against the server's own clock. */
function retryAfterOf({ headers }: HttpAnswer): number {
  const serverNow = Date.parse(headers.get('date') ?? '');
  const now = Number.isNaN(serverNow) ? Date.now() : serverNow;
  return Math.min(parseRetryAfter(headers.get('retry-after'), now) ?? 0, LONGEST_THROTTLE_MS);
}

async function within(timeoutMs: number, work: unknown): Promise<unknown> {
  // Most secrets are no promise, and need no timer.
  if (typeof work !== 'object' || work === null) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = new ExchangeFailure(
      'timeout',
      `the clientSecret function gave nothing within ${Math.round(timeoutMs)} ms`,
      'ETIMEDOUT',
    );
    timer = setTimeout(() => reject(failure), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve(work), late]);
  } finally {
    clearTimeout(timer);
  }
}

function formEncode(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
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
