import type { TokenError } from '../errors.ts';
import { createBackoff } from '../http/backoff.ts';
import { type Moment, pause } from '../http/moment.ts';
import type { ExchangePace } from './exchange-pace.ts';
import { isTransient, type TokenErrors } from './token-errors.ts';
import type { GrantedToken, TokenExchange } from './token-exchange.ts';
import type { TokenMonitor } from './token-monitor.ts';
import type { TokenSettings } from './token-options.ts';

/** Between the attempts of one exchange. */
const RETRY_BACKOFF = { baseMs: 100, capMs: 2_000 };

/** What all flights of a provider share. */
export interface FlightTools {
  readonly settings: TokenSettings;
  readonly exchange: TokenExchange;
  readonly failures: TokenErrors;
  readonly pace: ExchangePace;
  readonly monitor: TokenMonitor;
}

/**
 * One exchange with its retries, for any number of callers. Nobody waits for one in the background, so it makes a
 * single attempt — unless the old token runs out and a caller joins, which makes it try on.
 */
export class TokenFlight {
  readonly #tools: FlightTools;
  readonly #holdMs: number;
  readonly #ending: AbortController = new AbortController();
  #claim: Moment;
  #isAwaited: boolean;
  #isUnderway: boolean;
  #isDropped = false;
  #isCutShort = false;

  constructor(tools: FlightTools, options: { isAwaited: boolean }) {
    this.#tools = tools;
    this.#isAwaited = options.isAwaited;
    const { holdMs, claim } = tools.pace.claim();
    this.#holdMs = holdMs;
    this.#claim = claim;
    this.#isUnderway = holdMs === 0;
  }

  /** Whether a request is out. Otherwise it waits for the next attempt, whose answer will be newer than now. */
  get isUnderway(): boolean {
    return this.#isUnderway;
  }

  /** Whether it left further attempts to the exchange that took its place: whoever waits for it goes there. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  /** Another exchange will take its place: its answer still counts for who waits already, but it asks no more. */
  drop(): void {
    this.#isDropped = true;
  }

  /** Nobody wants its answer any more: it ends at once. */
  end(): void {
    this.#ending.abort();
  }

  /** A caller waits for it now. */
  join(): void {
    this.#isAwaited = true;
  }

  /** @throws {TokenError} of the last attempt. */
  async run(): Promise<GrantedToken> {
    const { pace } = this.#tools;
    if (this.#holdMs > 0) {
      await pause(this.#holdMs, this.#ending.signal);
      this.#claim = pace.begin(this.#claim);
    }
    try {
      const granted = await this.#attempts();
      pace.succeeded();
      return granted;
    } catch (error) {
      pace.failed(this.#claim);
      throw error;
    }
  }

  async #attempts(): Promise<GrantedToken> {
    const { deadlineMs } = this.#tools.settings;
    const startedAt = performance.now();
    const backoff = createBackoff(RETRY_BACKOFF);
    for (let attempt = 1; ; attempt++) {
      this.#refuseThrottled();
      if (this.#ending.signal.aborted) throw this.#tools.failures.aborted(undefined);
      const leftMs = deadlineMs - (performance.now() - startedAt);
      const outcome = await this.#attempt(attempt, leftMs, backoff.next());
      if (outcome.granted !== undefined) return outcome.granted;
      await pause(outcome.retryInMs, this.#ending.signal);
    }
  }

  /** @throws {TokenError} where there is no other attempt. */
  async #attempt(
    attempt: number,
    leftMs: number,
    waitMs: number,
  ): Promise<{ granted: GrantedToken } | { granted?: undefined; retryInMs: number }> {
    const { settings, exchange, monitor, pace } = this.#tools;
    const told = { attempt, isBackground: !this.#isAwaited };
    const startedAt = performance.now();
    this.#isUnderway = true;
    monitor.started(told);
    try {
      const granted = await exchange.attempt(
        Math.max(1, Math.min(settings.timeoutMs, leftMs)),
        this.#ending.signal,
      );
      const durationMs = performance.now() - startedAt;
      monitor.succeeded({ ...told, durationMs, lifetimeMs: granted.lifetimeMs });
      return { granted };
    } catch (reason) {
      this.#isUnderway = false;
      // The exchange throws nothing else.
      const error = reason as TokenError;
      if (error.code === 'ERR_TOKEN_THROTTLED') pace.throttled(error.retryAfterMs, error.status);
      const durationMs = performance.now() - startedAt;
      const mayRetry = this.#isAwaited && attempt < settings.maxAttempts && isTransient(error);
      const isInTime = mayRetry && durationMs + waitMs < leftMs;
      this.#isCutShort = isInTime && this.#isDropped;
      const retryInMs = isInTime && !this.#isDropped ? waitMs : undefined;
      monitor.failed({ ...told, durationMs, error, retryInMs });
      if (retryInMs === undefined) throw error;
      return { retryInMs };
    }
  }

  #refuseThrottled(): void {
    const { pace, failures } = this.#tools;
    const leftMs = pace.throttledForMs();
    if (leftMs > 0) throw failures.throttled(leftMs, pace.throttleStatus);
  }
}
