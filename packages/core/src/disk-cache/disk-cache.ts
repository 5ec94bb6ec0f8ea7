import { OptionsError } from '../errors.ts';
import { unref } from '../http/backoff.ts';
import { compareRevisions, isSameEpoch, isSamePosition } from '../ruleset/ruleset-order.ts';
import type { Ruleset } from '../wire.ts';
import {
  type CacheBinding,
  type CachedRuleset,
  type CacheRefusal,
  type CacheSeal,
  deriveCacheKey,
  openRuleset,
  sealRuleset,
} from './cache-envelope.ts';
import { type FileSystem, replaceFile, withFileLock } from './cache-file.ts';
import { nodeBuiltin } from './node-builtin.ts';
import { errorCode, readTextFile } from './text-file.ts';

/** The disk copy of the values that the server gave last. */
export interface CacheOptions {
  /** Its path. Processes of the same settings may share it; each environment needs one of its own. */
  file: string;
  /**
   * `encrypt` (the default): AES-256-GCM under a key derived from the client secret, so that another secret cannot read
   * the copy. `omit`: secrets are not written, and a start without a server lacks them.
   */
  secrets?: 'encrypt' | 'omit';
  /** Least milliseconds between two writes; default 1,000. */
  writeIntervalMs?: number;
}

/** What happened to the disk copy. */
export type CacheEvent =
  | { status: 'loaded'; revision: string; ageMs: number }
  | { status: 'refused'; reason: CacheRefusal; message: string }
  | { status: 'written'; revision: string }
  | { status: 'write-failed'; message: string };

/** What a {@link DiskCache} takes. */
export interface DiskCacheOptions {
  cache: CacheOptions;
  binding: CacheBinding;
  clientSecret: string | undefined;
  onEvent: (event: CacheEvent) => void;
}

/** How often values that stay the same are written again, so that the age of the copy is true. */
const RENEW_MS = 60_000;

const LOCK_RETRY_MS = 2_000;

const REFUSALS: Readonly<Record<CacheRefusal, string>> = {
  unreadable: 'cannot be read',
  torn: 'is damaged or no disk copy',
  foreign: 'belongs to another API URL, organization or environment',
  key: 'was not encrypted under this client secret, or was changed',
};

/** The last good values on disk: read once at the start, written off the hot path, replaced only as a whole. */
export class DiskCache {
  readonly #cache: CacheOptions;
  readonly #file: string;
  readonly #binding: CacheBinding;
  readonly #system: FileSystem;
  readonly #onEvent: (event: CacheEvent) => void;
  readonly #clientSecret: string | undefined;
  #seal: Promise<CacheSeal> | undefined;
  #loaded: CachedRuleset | undefined;
  #pending: (() => Ruleset | undefined) | undefined;
  #writtenAt = 0;
  #isEnding = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @throws {OptionsError} for options that cannot work, such as encryption without a client secret. */
  constructor(options: DiskCacheOptions) {
    const { cache, binding, clientSecret } = options;
    this.#cache = checkOptions(cache, clientSecret);
    this.#binding = binding;
    this.#clientSecret = cache.secrets === 'omit' ? undefined : clientSecret;
    this.#onEvent = options.onEvent;
    const fs = nodeBuiltin('node:fs/promises');
    const path = nodeBuiltin('node:path');
    const os = nodeBuiltin('node:os');
    if (fs === undefined || path === undefined || os === undefined) {
      throw new OptionsError('cache', 'This runtime has no files for "cache". Leave it out here.');
    }
    this.#system = { fs, path, os };
    // A program may change its working directory.
    this.#file = path.resolve(cache.file);
  }

  /** The disk copy; undefined where there is none, and where it was refused, which an event tells. Never rejects. */
  async read(): Promise<CachedRuleset | undefined> {
    const copy = await this.#open();
    if (copy === undefined) return undefined;
    if (typeof copy === 'string') {
      this.#refuse(copy);
      return undefined;
    }
    const { revision } = copy.ruleset;
    this.#loaded = copy;
    this.#onEvent({ status: 'loaded', revision, ageMs: Math.max(0, Date.now() - copy.savedAt) });
    return copy;
  }

  /** Writes the ruleset soon; `take` is called right before, so that only the newest of a burst is made. */
  schedule(take: () => Ruleset | undefined): void {
    this.#pending = take;
    if (this.#timer !== undefined) return;
    this.#writeSoon(0);
  }

  /** The server confirmed what was written: the copy is told so now and then, as its age is that of its values. */
  confirm(take: () => Ruleset | undefined): void {
    if (isOutdated(this.#writtenAt)) this.schedule(take);
  }

  /** Writes what is pending and resolves when it is done. Never rejects. */
  async flush(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#write();
    await this.#writing;
  }

  #writeSoon(delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#pending === undefined) return;
      this.#write();
      this.#writeSoon(this.#cache.writeIntervalMs ?? 1_000);
    }, delayMs);
    unref(timer);
    this.#timer = timer;
  }

  #write(): void {
    const take = this.#pending;
    if (take === undefined) return;
    this.#pending = undefined;
    this.#writing = this.#writing
      .then(() => this.#replace(take))
      .catch((error: unknown) => {
        this.#failed(errorCode(error));
      });
  }

  async #replace(take: () => Ruleset | undefined): Promise<void> {
    const file = this.#file;
    const seal = await this.#sealing();
    const outcome = await withFileLock(this.#system, file, async () => {
      const ruleset = take();
      if (ruleset === undefined) return;
      this.#writtenAt = Date.now();
      const held = await this.#heldCopy(seal);
      if (held !== undefined && !this.#isNewer(ruleset, held)) return;
      await replaceFile(this.#system, file, await sealRuleset(ruleset, seal, Date.now()));
      this.#loaded = undefined;
      this.#onEvent({ status: 'written', revision: ruleset.revision });
    });
    if (outcome === 'done') return;
    this.#failed('its lock is held');
    // A process that died may have left the lock; it is broken after a while.
    this.#pending ??= take;
    if (!this.#isEnding && this.#timer === undefined) this.#writeSoon(LOCK_RETRY_MS);
  }

  /**
   * A copy is replaced by newer values, or by the same ones that were confirmed since. Older ones replace it where the
   * server went back: it names another epoch, or none at all and says something else than what was read at the start.
   */
  #isNewer(ruleset: Ruleset, held: CachedRuleset): boolean {
    if (!isSameEpoch(ruleset, held.ruleset)) return true;
    const difference = compareRevisions(ruleset.revision, held.ruleset.revision);
    if (difference === 0) return isOutdated(held.savedAt);
    if (difference > 0) return true;
    const loaded = this.#loaded?.ruleset;
    return ruleset.epoch === undefined && loaded !== undefined && isSamePosition(held.ruleset, loaded);
  }

  /** Undefined for a copy that this client could not start from: any values are better. */
  async #heldCopy(seal: CacheSeal): Promise<CachedRuleset | undefined> {
    const copy = await this.#open();
    return typeof copy === 'object' && copy.hasSecrets === (seal.key !== undefined) ? copy : undefined;
  }

  async #open(): Promise<CachedRuleset | CacheRefusal | undefined> {
    try {
      const text = await readTextFile(this.#system.fs, this.#file);
      return await openRuleset(text, await this.#sealing());
    } catch (error) {
      return errorCode(error) === 'ENOENT' ? undefined : 'unreadable';
    }
  }

  #sealing(): Promise<CacheSeal> {
    this.#seal ??= this.#makeSeal();
    return this.#seal;
  }

  async #makeSeal(): Promise<CacheSeal> {
    const secret = this.#clientSecret;
    const key = secret === undefined ? undefined : await deriveCacheKey(secret, this.#binding);
    return { binding: this.#binding, key };
  }

  #refuse(reason: CacheRefusal): void {
    const message = `The disk copy ${this.#file} ${REFUSALS[reason]}; it is not used.`;
    this.#onEvent({ status: 'refused', reason, message });
  }

  #failed(why: string): void {
    this.#onEvent({
      status: 'write-failed',
      message: `The disk copy ${this.#file} could not be written (${why}).`,
    });
  }
}

/** Whether a time lies back long enough to be renewed, or ahead, by a clock that was set back since. */
function isOutdated(time: number): boolean {
  return Math.abs(Date.now() - time) >= RENEW_MS;
}

function checkOptions(cache: CacheOptions, clientSecret: string | undefined): CacheOptions {
  const { file, secrets = 'encrypt', writeIntervalMs = 1_000 } = cache;
  if (typeof file !== 'string' || file === '') throw new OptionsError('cache', '"cache.file" is empty.');
  if (secrets !== 'encrypt' && secrets !== 'omit') {
    throw new OptionsError('cache', '"cache.secrets" is "encrypt" or "omit".');
  }
  if (secrets === 'encrypt' && clientSecret === undefined) {
    throw new OptionsError(
      'cache',
      '"cache.secrets" is "encrypt", which needs a client secret; give one, or "omit".',
    );
  }
  if (!(writeIntervalMs >= 0 && writeIntervalMs <= 86_400_000)) {
    throw new OptionsError('cache', '"cache.writeIntervalMs" must be a number from 0 to 86,400,000.');
  }
  return cache;
}
