import type { FastifyInstance } from 'fastify';
import { AttemptLimiter } from '../auth/attempt-limiter.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Principal } from '../principal.ts';

/** How many requests the visitors of a page may send. */
export interface ReadOptions {
  /** Most requests of one publishable key from one address in a minute (default 30 000). More get a 429. */
  maxPerAddress?: number;
}

export const DEFAULT_MAX_READS_PER_ADDRESS = 30_000;
const WINDOW_SEC = 60;

/** Applies the limit to every route, after its guard. */
export function registerReadLimit(app: FastifyInstance, limit: ReadLimit): void {
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    try {
      if (request.principal !== undefined) limit.take(request.principal, request.ip);
      done();
    } catch (error) {
      done(error as Refusal);
    }
  });
}

/**
 * Counts the requests of publishable keys, which every visitor of a page can read. Machine clients have a secret and no
 * limit.
 */
export class ReadLimit {
  readonly #reads: AttemptLimiter;
  readonly #maxReads: number;

  constructor({ maxPerAddress = DEFAULT_MAX_READS_PER_ADDRESS }: ReadOptions) {
    this.#maxReads = maxPerAddress;
    this.#reads = new AttemptLimiter({ maxFailures: maxPerAddress, windowSec: WINDOW_SEC });
  }

  /**
   * Counts a read.
   * @throws {Refusal} `too-many-requests` if the key has too many from this address
   */
  take({ type, clientId }: Pick<Principal, 'type' | 'clientId'>, address: string): void {
    if (type !== 'b2m') return;
    const ofAddress = `${clientId} ${address}`;
    const retryAfterSec = this.#reads.retryAfterSec(ofAddress);
    if (retryAfterSec !== undefined) {
      throw new Refusal(
        'too-many-requests',
        `This publishable key has sent ${this.#maxReads} requests from this address within ${WINDOW_SEC} s, the maximum. ` +
          'Behind a proxy, start the server with --trust-proxy, or all visitors have one address.',
        { retryAfterSec },
      );
    }
    // Here every request counts, not only one that failed.
    this.#reads.failed(ofAddress);
  }
}
