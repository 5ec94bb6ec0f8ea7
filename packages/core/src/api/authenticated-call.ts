import type { FetchOptions } from 'ofetch';
import { isConfigError, TokenMalformedError, TokenTransportError } from '../errors.ts';
import { sleep } from '../http/backoff.ts';
import type { Deadline } from '../http/deadline.ts';
import { describeFailure, ExchangeFailure } from '../http/exchange-failure.ts';
import type { Interceptors } from '../http/ofetch.ts';
import type { AccessTokenSource } from '../token/token-provider.ts';
import { tokenTimeoutError, transportError } from './request-errors.ts';
import { type AttemptOutcome, createRetryWait, mayHaveBeenProcessed, retryLimits } from './request-retry.ts';
import type { ApiRequest } from './request-target.ts';

/** Settings of {@link AuthenticatedCall}. */
export interface CallSettings {
  tokenProvider: AccessTokenSource;
  /** Limits the wait for a token, every attempt and the waits between them. */
  deadline: Deadline;
  deadlineMs: number;
  retries: number;
}

const TOKEN_PROVIDER_FAILED = 'The token provider failed. Check its implementation.';

/**
 * The attempts of one request, as interceptors: each gets a token first, and each failure decides whether there is another
 * attempt. After a 401 there is one more with a new token, for every method.
 */
export class AuthenticatedCall {
  readonly #request: ApiRequest;
  readonly #settings: CallSettings;
  readonly #secrets: string[];
  readonly #waitMsAfter = createRetryWait();
  #token = '';
  #attempts = 0;
  #hasNewToken = false;
  #mayHaveBeenProcessed = false;

  constructor(request: ApiRequest, settings: CallSettings) {
    this.#request = request;
    this.#settings = settings;
    this.#secrets = [...(request.confidential ?? [])];
  }

  /** Strings that no error may repeat. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  /** The number of attempts so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether an earlier attempt may have been processed although its response was lost. */
  get mayHaveBeenProcessed(): boolean {
    return this.#mayHaveBeenProcessed;
  }

  get interceptors(): Interceptors {
    return {
      ...retryLimits(this.#request.method, this.#settings.retries),
      onRequest: ({ options }) => this.#authorize(options.headers),
      onRequestError: ({ options, error }) => this.#settle(options, describeFailure(error)),
      onResponseError: ({ options, response }) => this.#settle(options, response),
    };
  }

  async #authorize(headers: Headers): Promise<void> {
    const token = await this.#getToken();
    if (!this.#secrets.includes(token)) this.#secrets.push(token);
    this.#token = token;
    this.#attempts += 1;
    headers.set('authorization', `Bearer ${token}`);
  }

  /**
   * Sets `options.retry`, the number of further attempts, and waits before the next one. ofetch would wait by itself
   * after `retryDelay`, but an abort would not end that wait.
   */
  async #settle(options: FetchOptions, outcome: AttemptOutcome): Promise<void> {
    const left = Number(options.retry);
    if (!(outcome instanceof ExchangeFailure) && outcome.status === 401 && !this.#hasNewToken) {
      this.#hasNewToken = true;
      this.#invalidate();
      options.retry = this.#request.renewsToken === false ? false : left + 1;
      return;
    }
    const { deadline } = this.#settings;
    const waitMs = left > 0 ? this.#waitMsAfter(outcome) : undefined;
    if (waitMs === undefined || waitMs >= deadline.remainingMs) {
      options.retry = false;
      return;
    }
    this.#mayHaveBeenProcessed ||= mayHaveBeenProcessed(outcome);
    await sleep(waitMs, { signal: deadline.signal });
  }

  /** Gets the token. The signal ends only this caller's wait; others may want the same exchange. */
  async #getToken(): Promise<string> {
    const { tokenProvider, deadline, deadlineMs } = this.#settings;
    const request = this.#request;
    let token: unknown;
    const options = { signal: deadline.signal, ...(request.isLasting && { preferFresh: true }) };
    try {
      if (deadline.over !== undefined) throw deadline.over;
      token = await deadline.race(Promise.resolve(tokenProvider.getAccessToken(options)));
    } catch (error) {
      const { over } = deadline;
      if (over?.kind === 'aborted') throw transportError(request, over, { secrets: [] });
      if (over !== undefined) throw tokenTimeoutError(request, deadlineMs);
      if (isConfigError(error)) throw error;
      // The message of a custom provider could contain anything, so it is not repeated.
      throw new TokenTransportError(TOKEN_PROVIDER_FAILED);
    }
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new TokenMalformedError(
      'The token provider returned a token that cannot be sent in a header. Check its implementation.',
    );
  }

  #invalidate(): void {
    try {
      this.#settings.tokenProvider.invalidate(this.#token);
    } catch {
      throw new TokenTransportError(TOKEN_PROVIDER_FAILED);
    }
  }
}
