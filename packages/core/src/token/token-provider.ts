import { TokenThrottledError } from '../errors.ts';
import { onAbort } from '../http/abort-listeners.ts';
import { pause } from '../http/moment.ts';
import { CachedToken, drawWindowJitter } from './cached-token.ts';
import { ExchangePace } from './exchange-pace.ts';
import { TokenErrors } from './token-errors.ts';
import type { TokenStatus } from './token-events.ts';
import { type GrantedToken, TokenExchange } from './token-exchange.ts';
import { type FlightTools, TokenFlight } from './token-flight.ts';
import { TokenMonitor } from './token-monitor.ts';
import {
  type GetAccessTokenOptions,
  readTokenOptions,
  type TokenProviderOptions,
  type TokenSettings,
} from './token-options.ts';

/** Where an access token comes from: a {@link TokenProvider}, or anything with the same two methods. */
export interface AccessTokenSource {
  /** `signal` ends this caller's wait only; an exchange that others wait for goes on. */
  getAccessToken(options?: { signal?: AbortSignal | undefined }): Promise<string>;
  invalidate(rejectedToken?: string): void;
}

interface Flight {
  readonly flight: TokenFlight;
  readonly token: Promise<string>;
}

/**
 * OAuth 2.0 client credentials (RFC 6749 §4.4): one access token for any number of callers, exchanged once, replaced in
 * the background before it runs out. A caller waits only where no valid token is left, and a failure is never kept.
 *
 * @throws {OptionsError} from the constructor, naming the option that is empty or invalid.
 * @example
 * const tokens = new TokenProvider({ authUrl: 'https://auth.smoo.ai', clientId, clientSecret });
 * const accessToken = await tokens.getAccessToken();
 */
export class TokenProvider implements AccessTokenSource {
  readonly #settings: TokenSettings;
  readonly #tools: FlightTools;
  readonly #failures: TokenErrors;
  readonly #monitor: TokenMonitor;
  readonly #pace: ExchangePace = new ExchangePace();
  readonly #jitter: number = drawWindowJitter();
  #cached: CachedToken | undefined;
  #flight: Flight | undefined;
  /** How many callers wait for an exchange. */
  #waiting = 0;
  /** Kept beyond its life, so that no error repeats it. */
  #lastValue: string | undefined;

  constructor(options: TokenProviderOptions) {
    const settings = readTokenOptions(options);
    this.#settings = settings;
    this.#failures = new TokenErrors(settings.tokenUrl, () =>
      this.#lastValue === undefined ? [] : [this.#lastValue],
    );
    this.#monitor = new TokenMonitor(settings.onEvent);
    const exchange = new TokenExchange(settings, this.#failures);
    this.#tools = {
      settings,
      exchange,
      failures: this.#failures,
      pace: this.#pace,
      monitor: this.#monitor,
    };
  }

  /**
   * The access token: the cached one while it lives, and within its refresh window one exchange in the background
   * besides. Only where there is none a caller waits, for an exchange with its retries that all share.
   *
   * @throws {TokenTransportError} where the token endpoint gave no answer, and where `signal` aborted.
   * @throws {TokenRejectedError} where it answered with another status than 2xx.
   * @throws {TokenMalformedError} where its 2xx answer holds no usable token, or is over 64 KiB.
   * @throws {TokenThrottledError} where it asked for a pause that is not over.
   * @throws {OptionsError} where the function given as `clientSecret` fails, and where `signal` is none.
   */
  getAccessToken(options?: GetAccessTokenOptions): Promise<string> {
    const cached = this.#cached;
    // No `async`: a hit hands out a promise that was resolved long ago.
    if (options === undefined && cached?.isFresh()) return cached.promise;
    return this.#answer(options ?? {});
  }

  /**
   * Drops the cached token, so that the next call exchanges. With `rejectedToken`, only if that is the cached one:
   * late refusals of an old token do not throw a fresh one away. An exchange that began before is neither joined nor
   * kept.
   */
  invalidate(rejectedToken?: string): void {
    if (rejectedToken !== undefined && this.#cached?.value !== rejectedToken) return;
    if (this.#cached === undefined && this.#flight === undefined) return;
    this.#cached = undefined;
    // One that waits for its next attempt will ask after this, so it is as good as a new one.
    if (this.#flight?.flight.isUnderway) {
      this.#flight.flight.drop();
      this.#flight = undefined;
    }
    this.#pace.invalidated();
    this.#monitor.invalidated();
  }

  /**
   * Ends an exchange that no caller waits for, which may keep a process alive until `timeoutMs`. The provider can be
   * used as before: the next caller exchanges anew.
   */
  endUnawaited(): void {
    if (this.#waiting > 0) return;
    this.#flight?.flight.end();
    this.#flight = undefined;
  }

  /** Its state as plain data, without a secret or a token: fit for a health check or a log. */
  status(): TokenStatus {
    const cached = this.#cached;
    const expiresInMs = whole(cached?.expiresInMs());
    const refreshInMs = whole(cached?.refreshInMs());
    const living = refreshInMs === 0 ? 'stale' : 'fresh';
    return {
      token: expiresInMs === undefined ? 'none' : expiresInMs === 0 ? 'expired' : living,
      expiresInMs,
      refreshInMs,
      isExchanging: this.#flight !== undefined,
      throttledForMs: this.#pace.throttledForMs(),
      ...this.#monitor.counts(),
    };
  }

  #answer(options: GetAccessTokenOptions): Promise<string> {
    const { signal, waitWhenThrottled = this.#settings.waitWhenThrottled } = options;
    if (signal?.aborted) return Promise.reject(this.#failures.aborted(undefined));
    const token = this.#live();
    if (token !== undefined) return token;
    const wait = waitWhenThrottled ? this.#waitThroughPause(signal) : this.#join();
    return this.#waitFor(wait, signal);
  }

  /** The cached token where it still lives; within its window a refresh is seen to. */
  #live(): Promise<string> | undefined {
    const cached = this.#cached;
    if (cached === undefined) return undefined;
    if (cached.isFresh()) return cached.promise;
    if (cached.expiresInMs() === 0) return undefined;
    if (this.#flight === undefined && this.#pace.backgroundHoldMs() <= 0) {
      this.#keepAlive(this.#takeOff({ isAwaited: false }).token);
    }
    this.#monitor.servedStale(() => cached.expiresInMs());
    return cached.promise;
  }

  #join(): Promise<string> {
    const throttledForMs = this.#pace.throttledForMs();
    if (throttledForMs > 0) {
      return Promise.reject(this.#failures.throttled(throttledForMs, this.#pace.throttleStatus));
    }
    const { flight, token } = this.#flight ?? this.#takeOff({ isAwaited: true });
    flight.join();
    return token;
  }

  async #waitThroughPause(signal: AbortSignal | undefined): Promise<string> {
    const endsAt = performance.now() + this.#settings.deadlineMs;
    for (;;) {
      const pauseMs = this.#pace.throttledForMs();
      const leftMs = endsAt - performance.now();
      // No longer than the deadline allows; then the error tells how long it would be.
      if (pauseMs > 0 && pauseMs <= leftMs) await pause(Math.ceil(pauseMs), signal);
      if (signal?.aborted) throw this.#failures.aborted(this.#monitor.lastError);
      try {
        return await (this.#live() ?? this.#join());
      } catch (error) {
        const isPause = error instanceof TokenThrottledError;
        if (!isPause || performance.now() + error.retryAfterMs > endsAt) throw error;
      }
    }
  }

  #takeOff(options: { isAwaited: boolean }): Flight {
    const flight = new TokenFlight(this.#tools, options);
    // Not at once: an event hook that asks for a token must find the flight that it is told of.
    const token: Promise<string> = Promise.resolve()
      .then(() => flight.run())
      .then(
        (granted) => this.#land(flight, granted),
        (error: unknown) => {
          if (this.#flight?.flight === flight) this.#flight = undefined;
          if (flight.isCutShort) return this.#live() ?? this.#join();
          throw error;
        },
      );
    // Nobody may be waiting any more.
    token.catch(() => undefined);
    this.#flight = { flight, token };
    return this.#flight;
  }

  #land(flight: TokenFlight, granted: GrantedToken): string {
    this.#lastValue = granted.value;
    // Not the current flight: it began before an invalidation.
    if (this.#flight?.flight === flight) {
      this.#flight = undefined;
      const windowMs = this.#settings.refreshWindowMs;
      const { startedAt, lifetimeMs } = granted;
      this.#cached = new CachedToken(granted.value, {
        startedAt,
        lifetimeMs,
        windowMs,
        jitter: this.#jitter,
      });
      this.#monitor.replaced();
    }
    return granted.value;
  }

  #keepAlive(work: Promise<string>): void {
    try {
      const settled = work.then(
        () => undefined,
        () => undefined,
      );
      Promise.resolve(this.#settings.waitUntil?.(settled)).catch(() => undefined);
    } catch {
      // A runtime whose request is over takes no more work; the refresh goes on without it.
    }
  }

  /** Waits for as long as this caller does, which is counted meanwhile. */
  #waitFor(work: Promise<string>, signal: AbortSignal | undefined): Promise<string> {
    this.#waiting += 1;
    return new Promise((resolve, reject) => {
      let isWaiting = true;
      let letGo: (() => void) | undefined;
      const leave = (): void => {
        if (isWaiting) this.#waiting -= 1;
        isWaiting = false;
        letGo?.();
      };
      void work.then(resolve, reject).finally(leave);
      letGo = signal
        ? onAbort(signal, () => {
            leave();
            reject(this.#failures.aborted(this.#monitor.lastError));
          })
        : undefined;
    });
  }
}

function whole(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms);
}
