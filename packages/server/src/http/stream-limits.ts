import { Refusal } from '../domain/refusal.ts';
import type { Principal } from '../principal.ts';
import type { StreamOptions } from './event-stream.ts';

const DEFAULT_MAX_PER_KEY = 50_000;
const DEFAULT_MAX_PER_ADDRESS = 5_000;
/** Seconds. Our browser client waits up to 30 s between two attempts too. */
const RETRY_AFTER_SEC = 30;

/**
 * Counts the open streams of publishable keys, which every visitor of a page can read. Machine clients have a
 * secret and no limit.
 */
export class StreamLimits {
  readonly #maxPerKey: number;
  readonly #maxPerAddress: number;
  /** Only what is open, so it needs no bound of its own. */
  readonly #open = new Map<string, number>();

  constructor({ maxPerKey, maxPerAddress }: StreamOptions) {
    this.#maxPerKey = maxPerKey ?? DEFAULT_MAX_PER_KEY;
    this.#maxPerAddress = maxPerAddress ?? DEFAULT_MAX_PER_ADDRESS;
  }

  /**
   * Counts a stream. Returns a function that frees its place; call it once.
   * @throws {Refusal} `too-many-requests` if the key has too many, or too many from this address
   */
  take({ type, clientId }: Pick<Principal, 'type' | 'clientId'>, address: string): () => void {
    if (type !== 'b2m') return () => undefined;
    const ofAddress = `${clientId} ${address}`;
    if (this.#count(ofAddress) >= this.#maxPerAddress) {
      throw tooManyStreams(
        `This publishable key has ${this.#maxPerAddress} open streams from this address, the maximum. ` +
          'Behind a proxy, start the server with --trust-proxy, or all visitors have one address.',
      );
    }
    if (this.#count(clientId) >= this.#maxPerKey) {
      throw tooManyStreams(
        `This publishable key has ${this.#maxPerKey} open streams, the maximum. Try again later.`,
      );
    }
    this.#add(ofAddress, 1);
    this.#add(clientId, 1);
    return () => {
      this.#add(ofAddress, -1);
      this.#add(clientId, -1);
    };
  }

  #count(name: string): number {
    return this.#open.get(name) ?? 0;
  }

  #add(name: string, difference: number): void {
    const count = this.#count(name) + difference;
    if (count === 0) this.#open.delete(name);
    else this.#open.set(name, count);
  }
}

function tooManyStreams(message: string): Refusal {
  return new Refusal('too-many-requests', message, { retryAfterSec: RETRY_AFTER_SEC });
}
