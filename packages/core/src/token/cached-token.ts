import type { Moment } from '../http/moment.ts';

const DEFAULT_LIFETIME_SEC = 3600;
const MAX_LIFETIME_SEC = 86_400;
/** More than a year is treated as a mistake, such as milliseconds or a timestamp. */
const ABSURD_LIFETIME_SEC = 31_536_000;
/** The refresh window takes at most this share of a lifetime; otherwise a short-lived token would never be fresh. */
const MAX_WINDOW_SHARE = 1 / 3;
/** The window is shortened by up to this share, so that processes started together do not refresh together. */
const WINDOW_JITTER = 0.25;
/** The first 64 checks in a millisecond read both clocks, then every 64th. */
const CHECK_INTERVAL = 64;

/** Reads `expires_in` (RFC 6749 §5.1, where it is optional): servers omit it, send it as a string, or send 0. */
export function readLifetimeSec(value: unknown): number {
  const seconds = typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= ABSURD_LIFETIME_SEC)) {
    return DEFAULT_LIFETIME_SEC;
  }
  return Math.min(seconds, MAX_LIFETIME_SEC);
}

/** A random factor for the refresh window. Each provider draws it once. */
export function drawWindowJitter(): number {
  return 1 - Math.random() * WINDOW_JITTER;
}

/** The lifetime of a {@link CachedToken}. */
export interface TokenLifetime {
  /** Before the request, so that the time it took counts. */
  startedAt: Moment;
  lifetimeMs: number;
  /** The configured refresh window. */
  windowMs: number;
  /** From {@link drawWindowJitter}. */
  jitter: number;
}

/** A token and how long it is fresh and valid. */
export class CachedToken {
  readonly #value: string;
  /** Already resolved, so that a cache hit creates no promise. */
  readonly promise: Promise<string>;
  readonly lifetimeMs: number;
  readonly #startedAt: Moment;
  readonly #refreshAfterMs: number;
  /** The wall clock at the last check, and how many checks in that millisecond read the clocks. */
  #checkedAt = -1;
  #checks = 0;
  /** Checks left that need not read the clocks. */
  #uncheckedLeft = 0;

  constructor(value: string, lifetime: TokenLifetime) {
    this.#value = value;
    this.promise = Promise.resolve(value);
    const { startedAt, lifetimeMs, windowMs, jitter } = lifetime;
    this.lifetimeMs = lifetimeMs;
    this.#startedAt = startedAt;
    this.#refreshAfterMs = lifetimeMs - Math.min(windowMs, lifetimeMs * MAX_WINDOW_SHARE) * jitter;
  }

  /** Whether the refresh window has not begun. Every call checks this, so it must be cheap. */
  isFresh(): boolean {
    const wall = Date.now();
    if (wall !== this.#checkedAt) {
      this.#checkedAt = wall;
      this.#checks = 0;
    } else if (this.#uncheckedLeft > 0) {
      this.#uncheckedLeft -= 1;
      return true;
    }
    const isFresh = this.#startedAt.elapsedMs(wall) < this.#refreshAfterMs;
    this.#checks = isFresh ? this.#checks + 1 : 0;
    this.#uncheckedLeft = this.#checks > CHECK_INTERVAL ? CHECK_INTERVAL : 0;
    return isFresh;
  }

  /** Milliseconds until the token expires, at least 0. */
  expiresInMs(): number {
    return Math.max(0, this.lifetimeMs - this.#startedAt.elapsedMs());
  }

  /** Milliseconds until the refresh window begins, at least 0. */
  refreshInMs(): number {
    return Math.max(0, this.#refreshAfterMs - this.#startedAt.elapsedMs());
  }

  get value(): string {
    return this.#value;
  }
}
