import { ConfigApi } from '../api/config-api.ts';
import type { ClientChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type FoundSettings, findSettings } from '../settings.ts';
import { RemoteSource } from '../sources/remote-source.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import { SourceRunner } from '../sources/source-runner.ts';
import { DiscoveredTokens } from '../token/discovered-tokens.ts';
import { getSharedTokenProvider } from '../token/shared-token-provider.ts';
import type { TokenStatus } from '../token/token-monitor.ts';
import type { TokenProviderOptions } from '../token/token-options.ts';
import { TokenProvider } from '../token/token-provider.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import type { StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import type { LocalValues } from './local-values.ts';

/** A config server, and the client's environment there. */
export interface ServerConnection {
  api: ConfigApi;
  environment: string;
}

export interface ConnectionOptions {
  options: ConfigClientOptions<AnyConfig>;
  local: LocalValues;
  store: RulesetStore;
  monitor: StatusMonitor;
  telemetry: ClientTelemetry | undefined;
  emit: (event: ConfigClientEvent) => void;
  /** Called after each successful start of the source. */
  onStart: () => void;
  /** Called after each change that the source brought. */
  onChange: (change: ClientChange) => void;
}

/** Connects a client to its source of live values: settings, token, API, and the source with its starts. */
export class Connection {
  readonly #parts: ConnectionOptions;
  #starting: Promise<void> | undefined;
  #runner: SourceRunner | undefined;
  #tokens: TokenProvider | DiscoveredTokens | undefined;
  #server: ServerConnection | undefined;
  /** The settings of that server as JSON, which contains the client secret. */
  #connectedTo = '';
  /** The last error that the source reported since the latest start. */
  #sourceFailure: Error | undefined;
  #isClosed = false;

  constructor(parts: ConnectionOptions) {
    this.#parts = parts;
  }

  /** Why the source has not started yet, as far as it or the token provider has reported. */
  get lastFailure(): Readonly<{ message: string }> | undefined {
    const tokenFailure = this.token?.lastFailure;
    return this.#sourceFailure ?? (tokenFailure?.reason === 'aborted' ? undefined : tokenFailure);
  }

  /** The state of the token provider; undefined if there is none. */
  get token(): TokenStatus | undefined {
    return this.#tokens?.status();
  }

  /**
   * The config server, available before a start too; undefined if the `source` option replaces it.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   */
  get server(): ServerConnection | undefined {
    const { options } = this.#parts;
    if (options.source !== undefined) return undefined;
    this.#server ??= this.#connect(findSettings(options));
    return this.#server;
  }

  /**
   * Resolves once the source has pushed its first values. Local values that need no file are in the store when this
   * returns. Concurrent calls share one start; after {@link reset} the next call starts again.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   * @throws {OptionsError} for an option with an invalid value.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** From now on, a failed start is repeated until one works. */
  persist(): void {
    this.#runner?.persist();
  }

  /** Stops the source, so that the next start begins again. Resolves with the error of a start in progress, if any. */
  async reset(): Promise<unknown> {
    const runner = this.#runner;
    this.#runner = undefined;
    this.#starting = undefined;
    this.#parts.monitor.setConnection('disconnected');
    return runner?.stop();
  }

  /** Stops the source for good. */
  close(): void {
    this.#isClosed = true;
    void this.#runner?.stop();
    // Ends a token exchange only if no caller is waiting for it: another client may share the provider.
    this.#tokens?.cancelUnawaited();
    this.#parts.monitor.setConnection('disconnected');
  }

  async #start(): Promise<void> {
    const { emit, local, monitor, onStart, options } = this.#parts;
    const runner: SourceRunner = new SourceRunner({
      source: this.#prepare(),
      sink: this.#createSink(() => this.#runner === runner && !this.#isClosed),
      onStart,
      onFailure: (error) => emit({ type: 'connection', status: 'disconnected', error }),
    });
    this.#runner = runner;
    this.#sourceFailure = undefined;
    monitor.setConnection('connecting');
    if (local.hasFiles) await local.readFiles(() => runner.isStopped);
    // The start may have been cancelled while files were read.
    if (runner.isStopped) return;
    if (options.start === 'background' || options.start === 'lazy') runner.persist();
    await runner.start();
  }

  #prepare(): RulesetSource {
    const { options, local } = this.#parts;
    local.apply();
    if (options.source !== undefined) {
      local.openCache(options);
      return options.source;
    }
    const settings = findSettings(options);
    local.openCache(settings);
    this.#server = this.#connect(settings);
    const { config, pollIntervalMs } = options;
    return new RemoteSource({
      ...this.#server,
      config,
      ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    });
  }

  /** Connects once for the same settings: an evaluation before the start shares the token with it. */
  #connect(settings: FoundSettings): ServerConnection {
    const known = this.#server;
    const identity = JSON.stringify(settings);
    if (known !== undefined && this.#connectedTo === identity) return known;
    this.#connectedTo = identity;
    const { options, telemetry } = this.#parts;
    const { apiUrl, authUrl, organizationId, environment } = settings;
    const { allowInsecureHttp } = options;
    const fetch = telemetry === undefined ? options.fetch : telemetry.tracedFetch(options.fetch);
    const create = (issuer: string): TokenProvider =>
      this.#createTokens({ ...settings, authUrl: issuer, fetch });
    const tokenProvider =
      authUrl === undefined ? new DiscoveredTokens({ apiUrl, fetch, create }) : create(authUrl);
    this.#tokens = tokenProvider;
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider, fetch, allowInsecureHttp });
    return { api, environment };
  }

  /** Clients with a `fetch` or telemetry of their own get their own provider. All others share one token per process. */
  #createTokens(settings: TokenProviderOptions): TokenProvider {
    const { options, telemetry } = this.#parts;
    const tokens = { ...settings, allowInsecureHttp: options.allowInsecureHttp };
    const isShared = tokens.fetch === undefined && telemetry === undefined;
    return isShared
      ? getSharedTokenProvider(tokens)
      : new TokenProvider({ ...tokens, onEvent: (event) => telemetry?.token(event) });
  }

  /** @param isCurrent - false once the source was replaced or stopped; what it pushes then is ignored. */
  #createSink(isCurrent: () => boolean): RulesetSink {
    const { store, local, monitor, emit, onChange } = this.#parts;
    const onAccepted = (): void => {
      monitor.confirm();
      local.save();
    };
    const report = (change: ClientChange | undefined): void => {
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
        if (isCurrent()) report(store.replace(ruleset, onAccepted));
      },
      patch: (patch) => {
        if (isCurrent()) report(store.patch(patch, onAccepted));
      },
      confirm: () => {
        if (!isCurrent()) return;
        monitor.confirm();
        local.confirm();
      },
      status: (status, error) => {
        if (!isCurrent()) return;
        if (error instanceof Error) this.#sourceFailure = error;
        const isSame = monitor.connection === status && error === undefined;
        monitor.setConnection(status);
        if (!isSame) emit({ type: 'connection', status, ...(error !== undefined && { error }) });
      },
    };
  }
}
