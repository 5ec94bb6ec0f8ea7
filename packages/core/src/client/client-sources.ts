import { ConfigApi } from '../api/config-api.ts';
import { DiskCache } from '../disk-cache/disk-cache.ts';
import type { InvalidKey } from '../errors.ts';
import type { ConfigChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import {
  type ConfigSettings,
  processEnvironment,
  resolveEnvironment,
  resolveSettings,
  type SettingsOptions,
} from '../settings.ts';
import { type BundledInFiles, readBundledCode, readBundledFiles } from '../sources/bundled-files.ts';
import { readEnvironmentOverrides } from '../sources/env-overrides.ts';
import { RemoteSource } from '../sources/remote-source.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import { SourceRunner } from '../sources/source-runner.ts';
import { getSharedTokenProvider } from '../token/shared-token-provider.ts';
import type { TokenStatus } from '../token/token-monitor.ts';
import { TokenProvider } from '../token/token-provider.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import type { StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import type { ServerConnection } from './remote-evaluation.ts';

/** What a {@link ClientSources} takes. */
export interface ClientSourcesOptions {
  options: ConfigClientOptions<AnyConfig>;
  store: RulesetStore;
  monitor: StatusMonitor;
  telemetry: ClientTelemetry | undefined;
  emit: (event: ConfigClientEvent) => void;
  /** Called after each start of the live source that worked. */
  onStart: () => void;
  /** Called after each change that the live source brought. */
  onChange: (change: ConfigChange) => void;
}

/** Brings values from everywhere into the store: variables, bundled values, the disk copy, the server. */
export class ClientSources {
  readonly #to: ClientSourcesOptions;
  #begun: Promise<void> | undefined;
  #link: SourceRunner | undefined;
  #cache: DiskCache | undefined;
  #tokens: TokenProvider | undefined;
  #bundledFiles: BundledInFiles | undefined;
  #server: ServerConnection | undefined;
  #refusedOverrides: readonly InvalidKey[] = [];
  /** What the live source told last in the start under way. */
  #lastFailure: Error | undefined;
  #isClosed = false;

  constructor(options: ClientSourcesOptions) {
    this.#to = options;
  }

  /** Environment variables whose text the schema refuses; another source gives those keys' values. */
  get refusedOverrides(): readonly InvalidKey[] {
    return this.#refusedOverrides;
  }

  /** Why the live source has not started yet, as far as it or the token provider told. */
  get lastFailure(): Readonly<{ message: string }> | undefined {
    return this.#lastFailure ?? this.token?.lastFailure;
  }

  /** The state of the token provider; undefined where there is none. */
  get token(): TokenStatus | undefined {
    return this.#tokens?.status();
  }

  /**
   * The config server, also before a start; undefined where a source of someone's own takes its place.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   */
  get server(): ServerConnection | undefined {
    const { options } = this.#to;
    if (options.source !== undefined) return undefined;
    this.#server ??= this.#connect(resolveSettings(options));
    return this.#server;
  }

  /**
   * Resolves once the live source has given values. What needs no waiting is in the store when this returns; concurrent
   * calls share one start, and after {@link reset} the next one begins anew.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   * @throws {OptionsError} naming an option with a wrong value.
   */
  begin(): Promise<void> {
    this.#begun ??= this.#begin();
    return this.#begun;
  }

  /** From now on a start that failed is repeated, until it works. */
  persist(): void {
    this.#link?.persist();
  }

  /** Ends the live source and answers why it had not started, where it says so. The next start begins anew. */
  async reset(): Promise<unknown> {
    const link = this.#link;
    this.#link = undefined;
    this.#begun = undefined;
    this.#to.monitor.connected('disconnected');
    return link?.stop();
  }

  /** Ends everything; the disk copy gets what was still to be written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Why it had not started is of no interest any more.
    void this.#link?.stop();
    // Another client may share the provider, and wait for its exchange.
    this.#tokens?.endUnawaited();
    this.#to.monitor.connected('disconnected');
    await this.#cache?.flush();
  }

  async #begin(): Promise<void> {
    const { emit, monitor, onStart, options } = this.#to;
    const link: SourceRunner = new SourceRunner({
      source: this.#prepare(),
      sink: this.#sink(() => this.#link === link && !this.#isClosed),
      onStart,
      onFailure: (error) => emit({ type: 'connection', status: 'disconnected', error }),
    });
    this.#link = link;
    this.#lastFailure = undefined;
    monitor.connected('connecting');
    if (this.#bundledFiles !== undefined || this.#cache !== undefined) await this.#load(link);
    // It may have been given up while files were read.
    if (link.isStopped) return;
    if (options.start === 'background' || options.start === 'lazy') link.persist();
    await link.started();
  }

  /** Takes all that is known at once, and answers the live source. */
  #prepare(): RulesetSource {
    const { options, store } = this.#to;
    const { config, overrides, bundled } = options;
    const environment = resolveEnvironment(options);
    if (overrides !== false) {
      const { variables = processEnvironment(), prefix } = overrides ?? {};
      const { values, invalid } = readEnvironmentOverrides(config, variables, prefix);
      this.#refusedOverrides = invalid;
      store.setEnvironment(values);
    }
    if (bundled !== undefined) {
      const inCode = readBundledCode(config, bundled, environment);
      if (inCode !== undefined) store.setFile(inCode);
      this.#bundledFiles = 'file' in bundled ? bundled : undefined;
    }
    if (options.source !== undefined) {
      this.#cache ??= this.#openCache(options, environment);
      return options.source;
    }
    const settings = resolveSettings(options);
    this.#cache ??= this.#openCache(settings, environment);
    return this.#remoteSource(settings);
  }

  #openCache(settings: SettingsOptions, environment: string): DiskCache | undefined {
    const { options, emit } = this.#to;
    const { cache } = options;
    if (cache === undefined) return undefined;
    const { apiUrl = '', organizationId = '', clientSecret } = settings;
    return new DiskCache({
      cache,
      binding: { apiUrl, organizationId, environment },
      clientSecret,
      onEvent: (event) => emit({ type: 'cache', ...event }),
    });
  }

  /** Bundled files, and the disk copy where a start may go by it. */
  async #load(link: SourceRunner): Promise<void> {
    const { options, store, monitor } = this.#to;
    if (this.#bundledFiles !== undefined) {
      const environment = resolveEnvironment(options);
      store.setFile(await readBundledFiles(options.config, this.#bundledFiles, environment));
    }
    const { start = 'ready', fallback } = options;
    if (start === 'ready' && fallback === undefined) return;
    const copy = await this.#cache?.read();
    if (copy === undefined || link.isStopped || store.live !== undefined) return;
    store.setCache(copy.ruleset);
    monitor.loaded(Math.max(0, Date.now() - copy.savedAt));
  }

  #remoteSource(settings: ConfigSettings): RulesetSource {
    const { config, pollIntervalMs } = this.#to.options;
    this.#server = this.#connect(settings);
    return new RemoteSource({
      ...this.#server,
      config,
      ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    });
  }

  #connect(settings: ConfigSettings): ServerConnection {
    const { options, telemetry } = this.#to;
    const { apiUrl, organizationId, environment } = settings;
    const { allowInsecureHttp } = options;
    const fetch = telemetry === undefined ? options.fetch : telemetry.tracedFetch(options.fetch);
    const tokens = { ...settings, fetch, allowInsecureHttp };
    // A `fetch` or hook of the client's own may keep state; all others of a process share one token.
    const isShared = fetch === undefined && telemetry === undefined;
    const tokenProvider = isShared
      ? getSharedTokenProvider(tokens)
      : new TokenProvider({ ...tokens, onEvent: (event) => telemetry?.token(event) });
    this.#tokens = tokenProvider;
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider, fetch, allowInsecureHttp });
    return { api, environment };
  }

  /** A source that was replaced or stopped has no say any more. */
  #sink(isCurrent: () => boolean): RulesetSink {
    const { store, monitor, emit, onChange } = this.#to;
    const onTaken = (): void => {
      monitor.heard();
      this.#cache?.schedule(() => store.lastGood());
    };
    const tell = (change: ConfigChange | undefined): void => {
      if (change !== undefined) onChange(change);
    };
    return {
      get revision() {
        return store.live?.revision;
      },
      get epoch() {
        return store.live?.epoch;
      },
      replace: (ruleset) => {
        if (isCurrent()) tell(store.replace(ruleset, onTaken));
      },
      patch: (patch) => {
        if (isCurrent()) tell(store.patch(patch, onTaken));
      },
      confirm: () => {
        if (!isCurrent()) return;
        monitor.heard();
        this.#cache?.confirm(() => store.lastGood());
      },
      status: (status, error) => {
        if (!isCurrent()) return;
        if (error instanceof Error) this.#lastFailure = error;
        const isSame = monitor.connection === status && error === undefined;
        monitor.connected(status);
        if (!isSame) emit({ type: 'connection', status, ...(error !== undefined && { error }) });
      },
    };
  }
}
