import type { Moment } from '../http/moment.ts';

const DEFAULT_LIFETIME_SEC = 3600;
/** A token is not trusted for longer than a day. */
const LONGEST_LIFETIME_SEC = 86_400;
/** What is above a year is no lifetime but a mistake, such as milliseconds or the time of day. */
const ABSURD_LIFETIME_SEC = 31_536_000;
/** The refresh window takes at most this share of a lifetime, or a short token would be replaced at every call. */
const WINDOW_SHARE = 1 / 3;
/** The window is shortened by up to this share, so that processes that started together do not refresh together. */
const WINDOW_JITTER = 0.25;
/** While the wall clock shows one millisecond, so many checks read both clocks; of the rest, one in as many. */
const BURST = 64;

/** `expires_in` in seconds: RFC 6749 §5.1 only recommends it, and servers leave it out, quote it or send 0. */
export function readLifetimeSec(value: unknown): number {
  const seconds = typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= ABSURD_LIFETIME_SEC)) {
    return DEFAULT_LIFETIME_SEC;
  }
  return Math.min(seconds, LONGEST_LIFETIME_SEC);
}

/** A factor for the refresh window, drawn once per process. */
export function drawWindowJitter(): number {
  return 1 - Math.random() * WINDOW_JITTER;
}

/** What {@link CachedToken} takes besides the token. */
export interface TokenLife {
  /** When it was asked for. */
  startedAt: Moment;
  lifetimeMs: number;
  /** The refresh window that was asked for. */
  windowMs: number;
  /** From {@link drawWindowJitter}. */
  jitter: number;
}

/** A token with its life, counted from before it was asked for. */
export class CachedToken {
  readonly #value: string;
  /** Resolved once, so that a hit makes no promise. */
  readonly promise: Promise<string>;
  readonly lifetimeMs: number;
  readonly #startedAt: Moment;
  readonly #refreshAfterMs: number;
  #burstAt = -1;
  #checks = 0;
  #trusted = 0;

  constructor(value: string, life: TokenLife) {
    this.#value = value;
    this.promise = Promise.resolve(value);
    this.lifetimeMs = life.lifetimeMs;
    this.#startedAt = life.startedAt;
    this.#refreshAfterMs =
      life.lifetimeMs - Math.min(life.windowMs, life.lifetimeMs * WINDOW_SHARE) * life.jitter;
  }

  /** Whether the refresh window has not begun: the check of every call, hence the one that must be cheap. */
  isFresh(): boolean {
    const wall = Date.now();
    if (wall !== this.#burstAt) {
      this.#burstAt = wall;
      this.#checks = 0;
    } else if (this.#trusted > 0) {
      this.#trusted -= 1;
      return true;
    }
    const isFresh = this.#startedAt.elapsedMs(wall) < this.#refreshAfterMs;
    this.#checks = isFresh ? this.#checks + 1 : 0;
    this.#trusted = this.#checks > BURST ? BURST : 0;
    return isFresh;
  }

  /** Milliseconds until it runs out, at least 0. */
  expiresInMs(): number {
    return Math.max(0, this.lifetimeMs - this.#startedAt.elapsedMs());
  }

  /** Milliseconds until its refresh window begins, at least 0. */
  refreshInMs(): number {
    return Math.max(0, this.#refreshAfterMs - this.#startedAt.elapsedMs());
  }

  get value(): string {
    return this.#value;
  }
}
