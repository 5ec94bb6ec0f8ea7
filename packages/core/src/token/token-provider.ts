import { type TokenError, TokenThrottledError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { Deadline } from '../http/deadline.ts';
import { SharedWait } from '../http/shared-wait.ts';
import { CachedToken, drawWindowJitter } from './cached-token.ts';
import { ExchangePace, type ReservedStart } from './exchange-pace.ts';
import { isTransientTokenError, TokenErrors } from './token-errors.ts';
import { type GrantedToken, TokenExchange } from './token-exchange.ts';
import { TokenMonitor, type TokenStatus } from './token-monitor.ts';
import {
  type GetAccessTokenOptions,
  readTokenOptions,
  type TokenProviderOptions,
  type TokenSettings,
} from './token-options.ts';

/** Provides access tokens: a {@link TokenProvider}, or any object with these two methods. */
export interface AccessTokenSource {
  /**
   * `signal` ends this caller's wait only; an exchange that others wait for goes on. `preferFresh` asks for a token that is
   * not about to expire; a source that does not know may ignore it.
   */
  getAccessToken(options?: {
    signal?: AbortSignal | undefined;
    preferFresh?: boolean | undefined;
  }): Promise<string>;
  /** Drops a token that a server has refused. */
  invalidate(rejectedToken?: string): void;
}

/** One exchange with its retries, shared by any number of callers. */
interface Flight {
  readonly token: Promise<string>;
  readonly start: ReservedStart;
  readonly ending: AbortController;
  /** The callers that wait for it. A flight that none waits for makes a single attempt. */
  readonly callers: SharedWait;
  /** Whether an attempt is under way. If not, the next one gets a token newer than any invalidation so far. */
  isRequesting: boolean;
  /** Whether `invalidate` was called during an attempt. Callers already waiting still get its result; it does not retry. */
  isSuperseded: boolean;
}

/** Between the attempts of one exchange. */
const RETRY_BACKOFF = { baseMs: 100, capMs: 2_000 };
/** How long a caller that prefers a fresh token waits for one while the old one is valid. */
const FRESH_WAIT_MS = 3_000;

/**
 * OAuth 2.0 client credentials (RFC 6749 §4.4): one access token for any number of callers, requested once and refreshed
 * in the background before it expires. Callers wait only while it has no valid token. Failures are not cached.
 *
 * @throws {OptionsError} from the constructor, naming the option that is missing or invalid.
 * @example
 * const tokens = new TokenProvider({ authUrl: 'https://auth.smoo.ai', clientId, clientSecret });
 * const accessToken = await tokens.getAccessToken();
 */
export class TokenProvider implements AccessTokenSource {
  readonly #settings: TokenSettings;
  readonly #errors: TokenErrors;
  readonly #exchange: TokenExchange;
  readonly #monitor: TokenMonitor;
  readonly #pace: ExchangePace = new ExchangePace();
  readonly #jitter: number = drawWindowJitter();
  #cached: CachedToken | undefined;
  #flight: Flight | undefined;

  constructor(options: TokenProviderOptions) {
    this.#settings = readTokenOptions(options);
    this.#errors = new TokenErrors(this.#settings.tokenUrl);
    this.#exchange = new TokenExchange(this.#settings, this.#errors);
    this.#monitor = new TokenMonitor(this.#settings.onEvent);
  }

  /**
   * Returns the cached token while it is valid. Within its refresh window, the first call also starts an exchange in the
   * background. Without a valid token, callers wait for one exchange and its retries, which they share.
   *
   * @throws {TokenTransportError} if the token endpoint sent no response, or `signal` aborted.
   * @throws {TokenRejectedError} if its status was not 2xx.
   * @throws {TokenMalformedError} if its 2xx response has no usable token, or is larger than 64 KiB.
   * @throws {TokenThrottledError} if it asked for a pause (`Retry-After`) that is not over.
   * @throws {OptionsError} if the `clientSecret` function fails, or `signal` is not an AbortSignal.
   */
  getAccessToken(options?: GetAccessTokenOptions): Promise<string> {
    const cached = this.#cached;
    // Not `async`: a cache hit returns a promise that is already resolved.
    if (options === undefined && cached?.isFresh()) return cached.promise;
    return this.#getToken(options ?? {});
  }

  /**
   * Drops the cached token, so that the next call exchanges. With `rejectedToken`, only if that is the cached token, so
   * that late refusals of an old token do not drop a new one. The result of an exchange that is already requesting a
   * token is not cached, and later callers do not wait for it.
   */
  invalidate(rejectedToken?: string): void {
    if (rejectedToken !== undefined && this.#cached?.value !== rejectedToken) return;
    if (this.#cached === undefined && this.#flight === undefined) return;
    this.#cached = undefined;
    if (this.#flight?.isRequesting) {
      this.#flight.isSuperseded = true;
      this.#flight = undefined;
    }
    this.#pace.invalidated();
    this.#monitor.invalidated();
  }

  /**
   * Ends a refresh in the background, which would otherwise keep the process alive for `timeoutMs` at most. The provider
   * remains usable: the next call starts a new exchange. An exchange that callers wait for goes on.
   */
  cancelUnawaited(): void {
    if (this.#flight?.callers.isEmpty) this.#end(this.#flight);
  }

  /** Returns the provider's state as plain data without a secret or a token, for a health check or a log. */
  status(): TokenStatus {
    const cached = this.#cached;
    const expiresInMs = ceil(cached?.expiresInMs());
    const refreshInMs = ceil(cached?.refreshInMs());
    const validity = refreshInMs === 0 ? 'stale' : 'fresh';
    return {
      token: expiresInMs === undefined ? 'none' : expiresInMs === 0 ? 'expired' : validity,
      expiresInMs,
      refreshInMs,
      isExchanging: this.#flight !== undefined,
      throttledForMs: this.#pace.throttledForMs(),
      ...this.#monitor.counts(),
    };
  }

  #getToken(options: GetAccessTokenOptions): Promise<string> {
    const { signal, preferFresh } = options;
    if (signal?.aborted) return Promise.reject(this.#errors.aborted());
    const cached = this.#fromCache();
    if (cached === undefined) return this.#newToken(options);
    const refresh = this.#cached?.isFresh() ? undefined : this.#flight;
    return preferFresh && refresh !== undefined ? this.#refreshed(refresh, options) : cached;
  }

  /** The cached token if it is valid. Within its refresh window, starts an exchange in the background. */
  #fromCache(): Promise<string> | undefined {
    const cached = this.#cached;
    if (cached === undefined) return undefined;
    if (cached.isFresh()) return cached.promise;
    if (cached.expiresInMs() === 0) return undefined;
    if (this.#flight === undefined && this.#pace.allowsBackground()) {
      this.#waitUntil(this.#startFlight({ isBackground: true }).token);
    }
    this.#monitor.servedStale(() => cached.expiresInMs());
    return cached.promise;
  }

  /** Waits a while for a refresh in the background. If it fails or takes too long, the old token serves while it is valid. */
  async #refreshed(refresh: Flight, options: GetAccessTokenOptions): Promise<string> {
    const { signal } = options;
    const deadline = new Deadline({ timeoutMs: FRESH_WAIT_MS, signal });
    await deadline.race(refresh.token).catch(() => undefined);
    deadline.end();
    if (signal?.aborted) throw this.#errors.aborted(this.#monitor.lastError);
    return this.#fromCache() ?? this.#newToken(options);
  }

  /** Joins or starts an exchange. With `waitWhenThrottled`, once more after a `Retry-After` that ends within `deadlineMs`. */
  async #newToken({
    signal,
    waitWhenThrottled = this.#settings.waitWhenThrottled,
  }: GetAccessTokenOptions): Promise<string> {
    const endsAt = performance.now() + this.#settings.deadlineMs;
    for (;;) {
      try {
        return await (this.#fromCache() ?? this.#join(signal));
      } catch (error) {
        if (!waitWhenThrottled || !(error instanceof TokenThrottledError)) throw error;
        if (performance.now() + error.retryAfterMs > endsAt) throw error;
        await sleep(error.retryAfterMs, { signal });
        if (signal?.aborted) throw this.#errors.aborted(this.#monitor.lastError);
      }
    }
  }

  /** Joins the current exchange, or starts one. */
  #join(signal?: AbortSignal): Promise<string> {
    const { callers, token } = this.#flight ?? this.#startFlight({ isBackground: false });
    return callers.join(token, { signal, aborted: () => this.#errors.aborted(this.#monitor.lastError) });
  }

  /** Starts an exchange. One in the background goes on without callers; any other ends when the last of them leaves. */
  #startFlight({ isBackground }: { isBackground: boolean }): Flight {
    const start = this.#pace.reserveStart();
    const flight: Flight = {
      // Not synchronously: an event hook that asks for a token must find the flight already in place.
      token: Promise.resolve().then(() => this.#run(flight)),
      start,
      ending: new AbortController(),
      callers: new SharedWait(() => {
        if (!isBackground) this.#end(flight);
      }),
      isRequesting: start.waitMs === 0,
      isSuperseded: false,
    };
    // There may be no caller to handle a rejection.
    flight.token.catch(() => undefined);
    this.#flight = flight;
    return flight;
  }

  async #run(flight: Flight): Promise<string> {
    const { start, ending } = flight;
    if (start.waitMs > 0) await sleep(start.waitMs, { signal: ending.signal });
    let granted: GrantedToken | undefined;
    try {
      granted = await this.#requestToken(flight);
    } catch (error) {
      if (!ending.signal.aborted) this.#pace.failed(start);
      if (this.#flight === flight) this.#flight = undefined;
      throw error;
    }
    if (granted !== undefined) {
      this.#pace.succeeded();
      this.#store(granted, flight);
      return granted.value;
    }
    this.#pace.failed(start);
    return this.#fromCache() ?? this.#join(ending.signal);
  }

  /**
   * Attempts until the server grants a token. Returns undefined if the flight was superseded before a retry.
   *
   * @throws {TokenError} of the last attempt.
   */
  async #requestToken(flight: Flight): Promise<GrantedToken | undefined> {
    const { timeoutMs, deadlineMs, maxAttempts } = this.#settings;
    const { signal } = flight.ending;
    const startedAt = performance.now();
    const backoff = createBackoff(RETRY_BACKOFF);
    for (let attempt = 1; ; attempt++) {
      const throttledForMs = this.#pace.throttledForMs();
      if (throttledForMs > 0) throw this.#errors.throttled(throttledForMs, this.#pace.throttle);
      if (signal.aborted) throw this.#errors.aborted();
      const attemptedAt = performance.now();
      const leftMs = deadlineMs - (attemptedAt - startedAt);
      const retryInMs = backoff.next();
      const details = { attempt, isBackground: flight.callers.isEmpty };
      flight.isRequesting = true;
      this.#monitor.started(details);
      try {
        const granted = await this.#exchange.attempt(Math.max(1, Math.min(timeoutMs, leftMs)), signal);
        const durationMs = performance.now() - attemptedAt;
        this.#monitor.succeeded({ ...details, durationMs, lifetimeMs: granted.lifetimeMs });
        return granted;
      } catch (thrown) {
        flight.isRequesting = false;
        // `attempt` throws nothing else.
        const error = thrown as TokenError;
        if (error.code === 'ERR_TOKEN_THROTTLED') {
          const { retryAfterMs, status, errorDescription: description } = error;
          this.#pace.throttled(retryAfterMs, { status, description });
        }
        const durationMs = performance.now() - attemptedAt;
        const isRetryable = !flight.callers.isEmpty && attempt < maxAttempts && isTransientTokenError(error);
        const hasRetry = isRetryable && durationMs + retryInMs < leftMs;
        const willRetry = hasRetry && !flight.isSuperseded;
        this.#monitor.failed({ ...details, durationMs, error, retryInMs: willRetry ? retryInMs : undefined });
        if (!hasRetry) throw error;
        if (!willRetry) return undefined;
      }
      await sleep(retryInMs, { signal });
    }
  }

  /** Caches a new token, unless its exchange was superseded or ended. */
  #store({ value, startedAt, lifetimeMs }: GrantedToken, flight: Flight): void {
    this.#errors.redactToken(value);
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    const windowMs = this.#settings.refreshWindowMs;
    this.#cached = new CachedToken(value, { startedAt, lifetimeMs, windowMs, jitter: this.#jitter });
    this.#monitor.replaced();
  }

  /** Aborts an exchange, and lets the next one start at once. Does nothing to one that has settled. */
  #end(flight: Flight): void {
    flight.ending.abort();
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    this.#pace.cancelled(flight.start);
  }

  /** Keeps a worker alive until a background exchange is done. */
  #waitUntil(work: Promise<string>): void {
    try {
      const settled = work.then(
        () => undefined,
        () => undefined,
      );
      Promise.resolve(this.#settings.waitUntil?.(settled)).catch(() => undefined);
    } catch {
      // A runtime whose request is over accepts no more work; the exchange goes on without it.
    }
  }
}

function ceil(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms);
}
