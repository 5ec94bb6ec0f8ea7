import { OptionsError } from '../errors.ts';
import { unref } from '../http/backoff.ts';
import { compareRevisions } from '../lib/revision.ts';
import { isSameEpoch, isSamePosition } from '../ruleset/ruleset-order.ts';
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

/** Where and how to keep a copy of the server's values on disk. */
export interface CacheOptions {
  /** Path of the file. Processes with the same settings may share it. Each environment needs its own. */
  file: string;
  /**
   * `encrypt` (the default): secrets are encrypted with AES-256-GCM, under a key derived from the client secret.
   * After the client secret changes, the copy cannot be read until it is written again. `omit`: secrets are not
   * written, so a start without the server does not have them.
   */
  secrets?: 'encrypt' | 'omit';
  /** Minimum milliseconds between two writes; default 1,000. */
  writeIntervalMs?: number;
}

/** Reports what happened to the disk copy. */
export type CacheEvent =
  /** `ageMs`: milliseconds since the server confirmed the values. */
  | { status: 'loaded'; revision: string; ageMs: number }
  | { status: 'refused'; reason: CacheRefusal; message: string }
  | { status: 'written'; revision: string }
  | { status: 'write-failed'; message: string };

export interface DiskCacheOptions {
  cache: CacheOptions;
  binding: CacheBinding;
  clientSecret: string | undefined;
  /** Aborts when the client is closed: a write that fails then is not repeated. */
  signal: AbortSignal;
  onEvent: (event: CacheEvent) => void;
}

/** How often unchanged values are written again, so that the copy's age stays true. */
const RENEW_MS = 60_000;

const LOCK_RETRY_MS = 2_000;

const REFUSALS: Readonly<Record<CacheRefusal, string>> = {
  unreadable: 'cannot be read',
  damaged: 'is damaged, or is not a disk copy',
  'other-settings': 'belongs to another API URL, organization or environment',
  'wrong-key': 'was not encrypted with this client secret, or was modified',
};

/** Keeps the last good values on disk: reads them once at the start, and writes them in the background. */
export class DiskCache {
  readonly #cache: CacheOptions;
  readonly #file: string;
  readonly #binding: CacheBinding;
  readonly #system: FileSystem;
  readonly #onEvent: (event: CacheEvent) => void;
  readonly #clientSecret: string | undefined;
  readonly #signal: AbortSignal;
  #seal: Promise<CacheSeal> | undefined;
  #loaded: CachedRuleset | undefined;
  #pending: (() => Ruleset | undefined) | undefined;
  #writtenAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @throws {OptionsError} for invalid options, such as encryption without a client secret. */
  constructor(options: DiskCacheOptions) {
    const { cache, binding, clientSecret } = options;
    this.#cache = checkOptions(cache, clientSecret);
    this.#binding = binding;
    this.#clientSecret = cache.secrets === 'omit' ? undefined : clientSecret;
    this.#signal = options.signal;
    this.#onEvent = options.onEvent;
    const fs = nodeBuiltin('node:fs/promises');
    const path = nodeBuiltin('node:path');
    const os = nodeBuiltin('node:os');
    if (fs === undefined || path === undefined || os === undefined) {
      throw new OptionsError('cache', 'This runtime has no file system. Leave out "cache".');
    }
    this.#system = { fs, path, os };
    // Resolved now, since the program may change its working directory.
    this.#file = path.resolve(cache.file);
  }

  /**
   * Reads the disk copy. Returns undefined if it does not exist or was refused, which an event reports. Never rejects.
   */
  async read(): Promise<CachedRuleset | undefined> {
    const copy = await this.#open();
    if (copy === undefined) return undefined;
    if (typeof copy === 'string') {
      this.#reportRefusal(copy);
      return undefined;
    }
    const { revision } = copy.ruleset;
    this.#loaded = copy;
    this.#onEvent({ status: 'loaded', revision, ageMs: Math.max(0, Date.now() - copy.savedAt) });
    return copy;
  }

  /** Writes soon. `getRuleset` is called right before the write, so that of a burst only the newest is written. */
  schedule(getRuleset: () => Ruleset | undefined): void {
    this.#pending = getRuleset;
    if (this.#timer !== undefined) return;
    this.#writeSoon(0);
  }

  /**
   * The server confirmed the values. Writes them again if the last write is a minute ago, to renew the copy's age.
   */
  confirm(getRuleset: () => Ruleset | undefined): void {
    if (isOutdated(this.#writtenAt)) this.schedule(getRuleset);
  }

  /** Finishes pending writes. Never rejects. */
  async flush(): Promise<void> {
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
    const getRuleset = this.#pending;
    if (getRuleset === undefined) return;
    this.#pending = undefined;
    this.#writing = this.#writing
      .then(() => this.#replace(getRuleset))
      .catch((error: unknown) => {
        this.#reportFailure(errorCode(error));
      });
  }

  async #replace(getRuleset: () => Ruleset | undefined): Promise<void> {
    const file = this.#file;
    const seal = await this.#sealing();
    const outcome = await withFileLock(this.#system, file, async () => {
      const ruleset = getRuleset();
      if (ruleset === undefined) return;
      this.#writtenAt = Date.now();
      const existing = await this.#existingCopy(seal);
      if (existing !== undefined && !this.#supersedes(ruleset, existing)) return;
      await replaceFile(this.#system, file, await sealRuleset(ruleset, seal, Date.now()));
      this.#loaded = undefined;
      this.#onEvent({ status: 'written', revision: ruleset.revision });
    });
    if (outcome === 'done') return;
    this.#reportFailure('another process holds its lock');
    // If that process died, the lock is removed after ten seconds.
    this.#pending ??= getRuleset;
    if (!this.#signal.aborted && this.#timer === undefined) this.#writeSoon(LOCK_RETRY_MS);
  }

  /**
   * Newer values replace a copy, and so do the same values if they were confirmed since. Older values replace it
   * only if the server has gone back to an older state: it names another epoch, or it names none and the copy is
   * still the one that this client started from, so no other process has written a newer one.
   */
  #supersedes(ruleset: Ruleset, existing: CachedRuleset): boolean {
    if (!isSameEpoch(ruleset, existing.ruleset)) return true;
    const difference = compareRevisions(ruleset.revision, existing.ruleset.revision);
    if (difference === 0) return isOutdated(existing.savedAt);
    if (difference > 0) return true;
    const loaded = this.#loaded?.ruleset;
    return ruleset.epoch === undefined && loaded !== undefined && isSamePosition(existing.ruleset, loaded);
  }

  /** Undefined if this client could not start from the copy; any values may replace it then. */
  async #existingCopy(seal: CacheSeal): Promise<CachedRuleset | undefined> {
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

  #reportRefusal(reason: CacheRefusal): void {
    const message = `The disk copy ${this.#file} ${REFUSALS[reason]}; it is not used.`;
    this.#onEvent({ status: 'refused', reason, message });
  }

  #reportFailure(why: string): void {
    this.#onEvent({
      status: 'write-failed',
      message: `The disk copy ${this.#file} could not be written (${why}).`,
    });
  }
}

/** Whether a time is at least a minute ago. A time in the future counts too: the clock was set back since. */
function isOutdated(time: number): boolean {
  return Math.abs(Date.now() - time) >= RENEW_MS;
}

function checkOptions(cache: CacheOptions, clientSecret: string | undefined): CacheOptions {
  const { file, secrets = 'encrypt', writeIntervalMs = 1_000 } = cache;
  if (typeof file !== 'string' || file === '')
    throw new OptionsError('cache', '"cache.file" must be a non-empty string.');
  if (secrets !== 'encrypt' && secrets !== 'omit') {
    throw new OptionsError('cache', '"cache.secrets" must be "encrypt" or "omit".');
  }
  if (secrets === 'encrypt' && clientSecret === undefined) {
    throw new OptionsError(
      'cache',
      '"cache.secrets" is "encrypt", which needs a client secret. Set the secret, or use "omit".',
    );
  }
  if (!(writeIntervalMs >= 0 && writeIntervalMs <= 86_400_000)) {
    throw new OptionsError('cache', '"cache.writeIntervalMs" must be a number from 0 to 86,400,000.');
  }
  return cache;
}
