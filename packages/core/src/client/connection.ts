import { ConfigApi } from '../api/config-api.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type FoundSettings, findSettings } from '../settings.ts';
import { DiscoveredTokens } from '../token/discovered-tokens.ts';
import { getSharedTokenProvider } from '../token/shared-token-provider.ts';
import type { TokenFailureSummary, TokenStatus } from '../token/token-monitor.ts';
import type { TokenProviderOptions } from '../token/token-options.ts';
import { TokenProvider } from '../token/token-provider.ts';
import type { ConfigClientOptions } from './client-options.ts';
import type { ClientTelemetry } from './client-telemetry.ts';

/** A config server, and the client's environment there. */
export interface ServerConnection {
  api: ConfigApi;
  environment: string;
}

export interface ConnectionOptions {
  options: ConfigClientOptions<AnyConfig>;
  telemetry: ClientTelemetry | undefined;
}

/** Connects a client to its config server: settings, token and API. */
export class Connection {
  readonly #options: ConnectionOptions;
  #tokens: TokenProvider | DiscoveredTokens | undefined;
  #server: ServerConnection | undefined;
  /** The settings of that server as JSON, which contains the client secret. */
  #connectedTo = '';

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The state of the token provider; undefined if there is none. */
  get token(): TokenStatus | undefined {
    return this.#tokens?.status();
  }

  /** Why the last token exchange failed, unless its callers had left. */
  get tokenFailure(): TokenFailureSummary | undefined {
    const failure = this.token?.lastFailure;
    return failure?.reason === 'aborted' ? undefined : failure;
  }

  /**
   * The config server, available before a start too; undefined if the `source` option replaces it.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   */
  get server(): ServerConnection | undefined {
    const { options } = this.#options;
    if (options.source !== undefined) return undefined;
    return this.#server ?? this.connect(findSettings(options));
  }

  /** Connects once for the same settings: an evaluation before the start shares the token with it. */
  connect(settings: FoundSettings): ServerConnection {
    const identity = JSON.stringify(settings);
    if (this.#server !== undefined && this.#connectedTo === identity) return this.#server;
    const { options, telemetry } = this.#options;
    const { apiUrl, authUrl, organizationId, environment } = settings;
    const { allowInsecureHttp } = options;
    const fetch = telemetry === undefined ? options.fetch : telemetry.tracedFetch(options.fetch);
    const create = (issuer: string): TokenProvider =>
      this.#createTokens({ ...settings, authUrl: issuer, fetch });
    const tokenProvider =
      authUrl === undefined ? new DiscoveredTokens({ apiUrl, fetch, create }) : create(authUrl);
    this.#tokens = tokenProvider;
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider, fetch, allowInsecureHttp });
    this.#server = { api, environment };
    this.#connectedTo = identity;
    return this.#server;
  }

  /** Ends a token exchange that no caller waits for. Another client may share the provider. */
  cancelUnawaited(): void {
    this.#tokens?.cancelUnawaited();
  }

  /** Clients with a `fetch` or telemetry of their own get their own provider. All others share one token per process. */
  #createTokens(settings: TokenProviderOptions): TokenProvider {
    const { options, telemetry } = this.#options;
    const tokens = { ...settings, allowInsecureHttp: options.allowInsecureHttp };
    const isShared = tokens.fetch === undefined && telemetry === undefined;
    return isShared
      ? getSharedTokenProvider(tokens)
      : new TokenProvider({ ...tokens, onEvent: (event) => telemetry?.token(event) });
  }
}
