import type { CacheEvent, CacheOptions } from '../disk-cache/disk-cache.ts';
import { type InvalidKey, OptionsError } from '../errors.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import type { AnyConfig, RegisteredConfig } from '../schema/config-types.ts';
import type { SettingsOptions } from '../settings.ts';
import type { BundledOptions } from '../sources/bundled-files.ts';
import type { EnvironmentOverrideOptions } from '../sources/env-overrides.ts';
import type { RulesetSource, SourceStatus } from '../sources/ruleset-source.ts';
import type { ClientStatus } from './client-status.ts';
import type { ConfigTelemetryOptions } from './client-telemetry.ts';
import type { EvaluationCacheOptions } from './evaluation-cache.ts';

/** What a client tells its `onEvent` hook. No event carries a value. */
export type ConfigClientEvent =
  | { type: 'ready'; environment: string; revision: string }
  | { type: 'changed'; revision: string; keys: readonly string[] }
  /** Whatever changes `health().status`. */
  | { type: 'status'; status: ClientStatus; previous: ClientStatus }
  | { type: 'connection'; status: SourceStatus; error?: unknown }
  /** The client started without its server, and why; it goes on trying to reach it. */
  | { type: 'fallback'; from: 'cache' | 'file'; error: unknown }
  /** What happened to the disk copy. */
  | ({ type: 'cache' } & CacheEvent)
  /** All keys whose newest value is missing or refused, whenever one comes up. */
  | { type: 'invalid'; keys: readonly InvalidKey[] }
  | { type: 'listener-error'; error: unknown };

/** Options of `createConfigClient`; settings that are left out come from the environment. */
export interface ConfigClientOptions<Config extends AnyConfig = RegisteredConfig> extends SettingsOptions {
  /** The schema. */
  config: Config;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Told of every transition. What it throws or rejects with is ignored. */
  onEvent?: ((event: ConfigClientEvent) => unknown) | undefined;
  /** How often the server is asked while the stream fails, or where it has none; default 30,000. */
  pollIntervalMs?: number | undefined;
  /** Keeps answers of `evaluateFlag` and `evaluateLimit`; default not. */
  evaluationCache?: EvaluationCacheOptions | undefined;
  /**
   * When the client begins to fetch. `ready` (the default): with `ready()`. `background`: at once. `lazy`: with the first
   * read. The last two repeat a start that failed until it works, and no read waits for it.
   */
  start?: 'ready' | 'background' | 'lazy' | undefined;
  /**
   * `cached`: where the server cannot be reached in time, `ready()` starts from the disk copy (`cache`) or the bundled
   * values (`bundled`) instead of rejecting; an event says so, and `health()` is `stale` until the server is heard of.
   */
  fallback?: 'cached' | undefined;
  /** Environment variables that override values, one a key; default those of `process.env`, without a prefix. */
  overrides?: EnvironmentOverrideOptions | false | undefined;
  /** Values that ship with the program, for keys that no better source has; default none. */
  bundled?: BundledOptions<Config> | undefined;
  /** A copy on disk of the last good values; default none. Needs a runtime with files. */
  cache?: CacheOptions | undefined;
  /** `health()` says `failed` when the server confirmed the values longer ago than so many milliseconds; default never. */
  maxStalenessMs?: number | undefined;
  /** Reports to OpenTelemetry; default not. */
  telemetry?: ConfigTelemetryOptions | undefined;
  /** Takes the place of the config server; settings are then not needed. */
  source?: RulesetSource | undefined;
}

const STARTS: readonly unknown[] = [undefined, 'ready', 'background', 'lazy'];
const FALLBACKS: readonly unknown[] = [undefined, 'cached'];

/** @throws {OptionsError} naming an option with a wrong value. */
export function checkClientOptions(options: ConfigClientOptions<AnyConfig>): void {
  // Plain JavaScript may call it with anything.
  if (typeof options?.config?.keys?.get !== 'function') {
    throw new OptionsError('config', '"config" is missing: give the schema that defineConfig made.');
  }
  const { start, fallback, maxStalenessMs, pollIntervalMs, cache, bundled } = options;
  if (cache !== undefined && typeof cache !== 'object') {
    throw new OptionsError(
      'cache',
      '"cache" must be an object, such as { file: "/var/lib/shop/config.json" }.',
    );
  }
  if (!STARTS.includes(start)) {
    throw new OptionsError('start', '"start" is "ready", "background" or "lazy".');
  }
  if (!FALLBACKS.includes(fallback))
    throw new OptionsError('fallback', '"fallback" is "cached" or left out.');
  if (fallback === 'cached' && cache === undefined && bundled === undefined) {
    throw new OptionsError(
      'fallback',
      '"fallback" is "cached", but there is nothing to fall back to: give "cache" or "bundled" too.',
    );
  }
  checkMilliseconds('maxStalenessMs', maxStalenessMs);
  checkMilliseconds('pollIntervalMs', pollIntervalMs);
}
