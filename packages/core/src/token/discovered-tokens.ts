import { TokenTransportError } from '../errors.ts';
import { SharedWork } from '../http/shared-work.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { discoverAuthUrl } from './issuer-discovery.ts';
import type { TokenStatus } from './token-monitor.ts';
import type { GetAccessTokenOptions } from './token-options.ts';
import type { AccessTokenSource, TokenProvider } from './token-provider.ts';

export interface DiscoveredTokensOptions {
  apiUrl: string;
  fetch?: Fetch | undefined;
  /** Creates the provider, once the issuer is known. */
  create: (authUrl: string) => TokenProvider;
}

/**
 * The tokens of an API whose issuer is not set. The first call asks the API's metadata for it; concurrent calls share
 * that request. After a failure the next call asks again.
 */
export class DiscoveredTokens implements AccessTokenSource {
  readonly #options: DiscoveredTokensOptions;
  #provider: TokenProvider | undefined;
  #discovery: SharedWork<TokenProvider> | undefined;

  constructor(options: DiscoveredTokensOptions) {
    this.#options = options;
  }

  async getAccessToken(options: GetAccessTokenOptions = {}): Promise<string> {
    const provider = this.#provider ?? (await this.#discover(options.signal));
    return provider.getAccessToken(options);
  }

  invalidate(rejectedToken?: string): void {
    this.#provider?.invalidate(rejectedToken);
  }

  cancelUnawaited(): void {
    this.#provider?.cancelUnawaited();
  }

  /** Undefined until the issuer is known. */
  status(): TokenStatus | undefined {
    return this.#provider?.status();
  }

  #discover(signal: AbortSignal | undefined): Promise<TokenProvider> {
    const { apiUrl, fetch, create } = this.#options;
    const aborted = (): Error =>
      new TokenTransportError(`The caller aborted the wait for the issuer of ${apiUrl}.`, {
        reason: 'aborted',
      });
    if (signal?.aborted) return Promise.reject(aborted());
    const discovery =
      this.#discovery ??
      new SharedWork(
        async (ending) => {
          const authUrl = await discoverAuthUrl(apiUrl, { fetch, signal: ending });
          this.#provider ??= create(authUrl);
          return this.#provider;
        },
        () => {
          if (this.#discovery === discovery) this.#discovery = undefined;
        },
      );
    this.#discovery = discovery;
    return discovery.join({ signal, aborted });
  }
}
