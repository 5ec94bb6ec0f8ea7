import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff, readRetryAfter } from '@smooai/config';
import type { FastifyBaseLogger } from 'fastify';
import { errorCode } from '../lib/error-code.ts';
import { bodyOf, createMessage, type EnvironmentChange, type WebhookMessage } from './webhook-message.ts';
import type { WebhookTarget } from './webhook-options.ts';
import { signatureHeaders } from './webhook-signature.ts';

export type WebhookLog = Pick<FastifyBaseLogger, 'warn' | 'error'>;

/** Times of the attempts, in milliseconds. */
export interface WebhookTiming {
  /** For one attempt. */
  readonly timeoutMs: number;
  /** The bounds of the wait after a failure. */
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
  /** A failure later than this after the first one in a row is the last, until the next change. */
  readonly retryForMs: number;
}

const TIMING: WebhookTiming = {
  timeoutMs: 10_000,
  backoff: { baseMs: 1_000, capMs: 60_000 },
  retryForMs: 15 * 60_000,
};
const MAX_RETRY_AFTER_MS = 3_600_000;

interface Failure {
  readonly reason: string;
  /** Another attempt would fail too: the secret, the URL or the body is wrong. */
  readonly isPermanent: boolean;
  readonly retryAfterMs: number;
}

/** Sends changes to one target, one request at a time. Never throws. */
export class WebhookSender {
  readonly #target: WebhookTarget;
  readonly #log: WebhookLog;
  readonly #timing: WebhookTiming;
  /** One message for each environment, so that it cannot grow while the target is down. */
  readonly #queue = new Map<string, WebhookMessage>();
  readonly #closing = new AbortController();
  readonly #deadline = new AbortController();
  #running: Promise<void> | undefined;

  constructor(target: WebhookTarget, log: WebhookLog, timing: WebhookTiming = TIMING) {
    this.#target = target;
    this.#log = log;
    this.#timing = timing;
  }

  /** Sends a change if the target wants those of its environment. Changes that wait already are sent with it. */
  send(change: EnvironmentChange): void {
    if (this.#closing.signal.aborted || !this.wants(change.environment)) return;
    this.#queue.set(change.environment, createMessage(change, this.#queue.get(change.environment)));
    this.#running ??= this.#sendAll();
  }

  get waiting(): number {
    return this.#queue.size;
  }

  wants(environment: string): boolean {
    return this.#target.environments?.has(environment) !== false;
  }

  /** Sends what waits once more, until the signal aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closing.abort();
    if (deadline.aborted) this.#deadline.abort();
    deadline.addEventListener('abort', () => this.#deadline.abort(), { once: true });
    if (this.#queue.size > 0) this.#running ??= this.#sendAll();
    await this.#running;
  }

  async #sendAll(): Promise<void> {
    try {
      const attempts = new Attempts(this.#timing);
      for (const [environment, message] of this.#queue) {
        this.#queue.delete(environment);
        const failure = await this.#post(message);
        const next = attempts.after(failure, this.#closing.signal.aborted);
        if (failure !== undefined) this.#report(message, failure, next);
        if (next === 'done' || next === 'drop') continue;
        // The loop comes to it again, after those of other environments.
        const newer = this.#queue.get(environment);
        this.#queue.set(environment, newer === undefined ? message : createMessage(newer, message));
        // With the next change, it is sent too.
        if (next === 'give up') return;
        await this.#pause(next);
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Resolves with the reason of a failure; undefined if the message was delivered. */
  async #post(message: WebhookMessage): Promise<Failure | undefined> {
    const body = bodyOf(message);
    const signature = signatureHeaders(this.#target.key, { id: message.id, body });
    try {
      const response = await fetch(this.#target.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signature },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(this.#timing.timeoutMs), this.#deadline.signal]),
      });
      // The body has no meaning. A connection that is lost now changes nothing.
      await response.body?.cancel().catch(() => undefined);
      return response.ok ? undefined : statusFailure(response);
    } catch (error) {
      return { reason: connectionFailure(error), isPermanent: false, retryAfterMs: 0 };
    }
  }

  #report({ environment }: WebhookMessage, { reason }: Failure, next: Next): void {
    // The path and query may contain a credential.
    const fields = { webhook: this.#target.url.origin, environment, reason };
    if (typeof next === 'number')
      this.#log.warn({ ...fields, retryInMs: Math.round(next) }, 'a webhook failed');
    else if (next === 'give up')
      this.#log.error(fields, 'a webhook failed for too long; it is sent again with the next change');
    else this.#log.error(fields, 'a webhook was not delivered');
  }

  async #pause(ms: number): Promise<void> {
    // Rejects when the server closes, which ends the wait.
    await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

/** What follows an attempt: another one, after a wait in milliseconds, or none. */
type Next = 'done' | 'drop' | 'give up' | number;

/** Decides about further attempts. */
class Attempts {
  readonly #retryForMs: number;
  readonly #backoff: ReturnType<typeof createBackoff>;
  #failingSince: number | undefined;

  constructor({ backoff, retryForMs }: WebhookTiming) {
    this.#retryForMs = retryForMs;
    this.#backoff = createBackoff(backoff);
  }

  after(failure: Failure | undefined, isClosing: boolean): Next {
    if (failure === undefined || failure.isPermanent) {
      // The target responds.
      this.#failingSince = undefined;
      this.#backoff.reset();
      return failure === undefined ? 'done' : 'drop';
    }
    if (isClosing) return 'drop';
    this.#failingSince ??= performance.now();
    if (performance.now() - this.#failingSince > this.#retryForMs) return 'give up';
    return Math.max(this.#backoff.next(), Math.min(failure.retryAfterMs, MAX_RETRY_AFTER_MS));
  }
}

function statusFailure({ status, headers }: Response): Failure {
  const isRedirect = status >= 300 && status < 400;
  return {
    reason: isRedirect ? `status ${status}: redirects are not followed` : `status ${status}`,
    isPermanent: status < 500 && status !== 408 && status !== 429,
    retryAfterMs: readRetryAfter(headers) ?? 0,
  };
}

/** Without the message, which may contain the URL. */
function connectionFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'no response';
  if (error.name === 'TimeoutError') return 'time-out';
  return errorCode(error.cause) ?? 'no response';
}
