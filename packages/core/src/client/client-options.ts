import type { CacheEvent, CacheOptions } from '../disk-cache/disk-cache.ts';
import { type InvalidKey, OptionsError } from '../errors.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import type { AnyConfig, RegisteredConfig } from '../schema/config-types.ts';
import type { SettingsOptions } from '../settings.ts';
import type { BundledOptions } from '../sources/bundled-files.ts';
import type { EnvironmentOverrideOptions } from '../sources/env-overrides.ts';
import type { ConnectionStatus, RulesetSource } from '../sources/ruleset-source.ts';
import type { ClientStatus } from './client-status.ts';
import type { ConfigTelemetryOptions } from './client-telemetry.ts';
import type { EvaluationCacheOptions } from './evaluation-cache.ts';

/** What the `onEvent` hook is called with. No event contains a value. */
export type ConfigClientEvent =
  /** The client can be read. */
  | { type: 'ready'; environment: string; revision: string }
  /** Values changed. */
  | { type: 'changed'; revision: string; keys: readonly string[] }
  /** `health().status` changed. */
  | { type: 'status'; status: ClientStatus; previous: ClientStatus }
  /** The connection to the server changed, or failed once more. */
  | { type: 'connection'; status: ConnectionStatus; error?: unknown }
  /** The client started without its server, because of `error`. It keeps trying to reach the server. */
  | { type: 'fallback'; from: 'cache' | 'file'; error: unknown }
  /** The disk copy was read, refused or written. */
  | ({ type: 'cache' } & CacheEvent)
  /** Lists all keys whose newest value is missing or invalid, whenever that list changes and is not empty. */
  | { type: 'invalid'; keys: readonly InvalidKey[] }
  /** A listener of `subscribe`, `onSecretChange`, `onStatusChange` or `onClose` threw or rejected. */
  | { type: 'listener-error'; error: unknown };

/** Options of `createConfigClient`. Settings that are left out are read from environment variables. */
export interface ConfigClientOptions<Config extends AnyConfig = RegisteredConfig> extends SettingsOptions {
  /** The schema, from `defineConfig`. */
  config: Config;
  /** Used instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Called with each event of the client. Its errors are ignored. */
  onEvent?: ((event: ConfigClientEvent) => unknown) | undefined;
  /** Milliseconds between two polls while the event stream fails, or if the server has none; default 30,000. */
  pollIntervalMs?: number | undefined;
  /** Caches the results of `evaluateFlag` and `evaluateLimit`. Default: no cache. */
  evaluationCache?: EvaluationCacheOptions | undefined;
  /**
   * When the client starts to fetch.
   * - `ready` (the default): when `ready()` is called.
   * - `background`: at once.
   * - `lazy`: at the first read.
   *
   * With `background` and `lazy`, a failed start is repeated until it works, and reads do not wait for it.
   */
  start?: 'ready' | 'background' | 'lazy' | undefined;
  /**
   * `cached`: if the server cannot be reached in time, `ready()` starts from the disk copy (`cache`) or the bundled
   * values (`bundled`) instead of rejecting. A `fallback` event reports it, and `health().status` is `stale` until the
   * server responds.
   */
  fallback?: 'cached' | undefined;
  /** Environment variables that override values, one per key. Default: `process.env`, no prefix. `false`: none. */
  overrides?: EnvironmentOverrideOptions | false | undefined;
  /** Values that ship with the program, for keys that have no value elsewhere; default none. */
  bundled?: BundledOptions<Config> | undefined;
  /** Keeps a copy of the last good values on disk; default none. Needs a runtime with a file system. */
  cache?: CacheOptions | undefined;
  /** Milliseconds since the server's last confirmation after which `health().status` is `failed`; default never. */
  maxStalenessMs?: number | undefined;
  /** Reports metrics and spans to OpenTelemetry; default none. */
  telemetry?: ConfigTelemetryOptions | undefined;
  /** Replaces the config server; no settings are needed then. */
  source?: RulesetSource | undefined;
}

const STARTS: readonly unknown[] = [undefined, 'ready', 'background', 'lazy'];
const FALLBACKS: readonly unknown[] = [undefined, 'cached'];

/** @throws {OptionsError} for the first option with an invalid value. */
export function checkClientOptions(options: ConfigClientOptions<AnyConfig>): void {
  // Callers in plain JavaScript can pass anything.
  if (typeof options?.config?.keys?.get !== 'function') {
    throw new OptionsError('config', '"config" is missing. Pass the schema that defineConfig returned.');
  }
  const { start, fallback, maxStalenessMs, pollIntervalMs, cache, bundled } = options;
  if (cache !== undefined && typeof cache !== 'object') {
    throw new OptionsError(
      'cache',
      '"cache" must be an object, such as { file: "/var/lib/shop/config.json" }.',
    );
  }
  if (!STARTS.includes(start)) {
    throw new OptionsError('start', '"start" must be "ready", "background" or "lazy".');
  }
  if (!FALLBACKS.includes(fallback))
    throw new OptionsError('fallback', '"fallback" must be "cached" or left out.');
  if (fallback === 'cached' && cache === undefined && bundled === undefined) {
    throw new OptionsError(
      'fallback',
      '"fallback" is "cached", but there is nothing to fall back to. Set "cache" or "bundled" too.',
    );
  }
  checkMilliseconds('maxStalenessMs', maxStalenessMs);
  checkMilliseconds('pollIntervalMs', pollIntervalMs);
}
