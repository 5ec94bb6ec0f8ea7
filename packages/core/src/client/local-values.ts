import { DiskCache } from '../disk-cache/disk-cache.ts';
import type { InvalidKey } from '../errors.ts';
import type { RulesetStore } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { processEnvironment, resolveEnvironment, type SettingsOptions } from '../settings.ts';
import type { BundledSealed } from '../sources/baked-bundle.ts';
import { type BundledInFiles, readBundledCode, readBundledFiles } from '../sources/bundled-files.ts';
import { readEnvironmentOverrides } from '../sources/env-overrides.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import type { StatusMonitor } from './client-status.ts';

export interface LocalValuesOptions {
  options: ConfigClientOptions<AnyConfig>;
  store: RulesetStore;
  monitor: StatusMonitor;
  emit: (event: ConfigClientEvent) => void;
  /** Aborts when the client is closed. */
  signal: AbortSignal;
}

/** The values that a client has without its server: environment variables, bundled values and the disk copy. */
export class LocalValues {
  readonly #parts: LocalValuesOptions;
  #environment = '';
  #cache: DiskCache | undefined;
  #bundledFiles: BundledInFiles | BundledSealed | undefined;
  #invalidOverrides: readonly InvalidKey[] = [];

  constructor(parts: LocalValuesOptions) {
    this.#parts = parts;
  }

  /** Keys whose environment variable the schema rejects. Another origin gives their values. */
  get invalidOverrides(): readonly InvalidKey[] {
    return this.#invalidOverrides;
  }

  /** Whether {@link readFiles} has anything to do. */
  get hasFiles(): boolean {
    return this.#bundledFiles !== undefined || this.#cache !== undefined;
  }

  /**
   * Puts the values that need no file into the store: environment variables and values bundled in code.
   * @throws {OptionsError} for an option with an invalid value.
   */
  apply(): void {
    const { options, store } = this.#parts;
    const { config, overrides, bundled } = options;
    this.#environment = resolveEnvironment(options);
    if (overrides !== false) {
      const { variables = processEnvironment(), prefix } = overrides ?? {};
      const { values, invalid } = readEnvironmentOverrides(config, variables, prefix);
      this.#invalidOverrides = invalid;
      store.setEnvironment(values);
    }
    if (bundled === undefined) return;
    const inCode = readBundledCode(config, bundled, this.#environment);
    if (inCode !== undefined) store.setFile(inCode);
    this.#bundledFiles = 'file' in bundled || 'bundle' in bundled ? bundled : undefined;
  }

  /**
   * Opens the disk copy for these settings, once.
   * @throws {OptionsError} if the options of the cache are invalid.
   */
  openCache(settings: SettingsOptions): void {
    const { options, emit, signal } = this.#parts;
    const { cache } = options;
    if (cache === undefined || this.#cache !== undefined) return;
    const { apiUrl = '', organizationId = '', clientSecret } = settings;
    this.#cache = new DiskCache({
      cache,
      binding: { apiUrl, organizationId, environment: this.#environment },
      clientSecret,
      signal,
      onEvent: (event) => emit({ type: 'cache', ...event }),
    });
  }

  /** Puts bundled files into the store, and the disk copy if the client may start from it. */
  async readFiles(signal: AbortSignal): Promise<void> {
    const { options, store, monitor } = this.#parts;
    if (this.#bundledFiles !== undefined) {
      const bundled = this.#bundledFiles;
      const isFirst = 'bundle' in bundled && bundled.precedence === 'bundle';
      store.setFile(await readBundledFiles(options.config, bundled, this.#environment), { isFirst });
    }
    const { start = 'ready', fallback } = options;
    if (start === 'ready' && fallback === undefined) return;
    const copy = await this.#cache?.read();
    if (copy === undefined || signal.aborted || store.live !== undefined) return;
    store.setCache(copy.ruleset);
    monitor.loadedFromCache(Math.max(0, Date.now() - copy.savedAt));
  }

  /** Writes the server's values to the disk copy soon. */
  save(): void {
    this.#cache?.schedule(() => this.#parts.store.lastGood());
  }

  /** The server confirmed its values: renews the age of the disk copy. */
  confirm(): void {
    this.#cache?.confirm(() => this.#parts.store.lastGood());
  }

  /** Finishes pending writes to the disk copy. Never rejects. */
  async flush(): Promise<void> {
    await this.#cache?.flush();
  }
}
