import { SETTINGS_VARIABLES, settingName } from '../environment-variable.ts';
import { TokenRejectedError, TokenThrottledError, TokenTransportError } from '../errors.ts';
import { LONGEST_TIMEOUT_MS } from '../http/backoff.ts';
import { describeFailure, transportCause } from '../http/exchange-failure.ts';
import { type HttpResponse, isSuccess } from '../http/http-attempt.ts';
import { HttpExchange } from '../http/http-exchange.ts';
import { redact } from '../http/redact.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import { isTransientStatus } from '../http/transient-failure.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { parseJson } from '../lib/json.ts';
import { requireNumber } from '../lib/option-checks.ts';
import { isRecord } from '../lib/record.ts';
import {
  type ConfigSettings,
  type EnvironmentVariables,
  findSettings,
  issuerMissing,
  type SettingsOptions,
} from '../settings.ts';

export interface DiscoveryOptions {
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Time limit in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** RFC 8414 §3 and OpenID Connect Discovery 1.0 §4, in this order. */
const DOCUMENTS = ['oauth-authorization-server', 'openid-configuration'];
const MAX_DOCUMENT_BYTES = 64 * 1024;

/**
 * Resolves all settings as `resolveSettings` does, and asks the API for its issuer if none is set. Only the public
 * metadata is requested, and no credential is sent.
 *
 * @throws {SettingsError} listing all settings that are missing or malformed: `SMOOAI_CONFIG_AUTH_URL` if the API does not
 * name a token endpoint of its own.
 * @throws {OptionsError} if a setting is not a string.
 * @throws {TokenTransportError} if the API does not respond, or `signal` aborts.
 * @throws {TokenRejectedError} if its status is 408, 429 or 5xx.
 * @throws {TokenThrottledError} the same, with `Retry-After`.
 */
export async function discoverSettings(
  options: SettingsOptions = {},
  { env, ...discovery }: DiscoveryOptions & { env?: EnvironmentVariables | undefined } = {},
): Promise<ConfigSettings> {
  const settings = findSettings(options, env);
  return { ...settings, authUrl: settings.authUrl ?? (await discoverAuthUrl(settings.apiUrl, discovery)) };
}

/** Returns the base URL of the issuer that the metadata of an API names, if it is on the API's own origin. */
export async function discoverAuthUrl(apiUrl: string, options: DiscoveryOptions = {}): Promise<string> {
  const { timeoutMs = 10_000, signal } = options;
  requireNumber('timeoutMs', timeoutMs, { min: 1, max: LONGEST_TIMEOUT_MS });
  const http = new HttpExchange(options.fetch);
  const endsAt = performance.now() + timeoutMs;
  for (const document of DOCUMENTS) {
    const url = `${apiUrl}/.well-known/${document}`;
    const response = await http
      .send({
        url,
        method: 'GET',
        headers: {},
        timeoutMs: Math.max(1, endsAt - performance.now()),
        maxBytes: MAX_DOCUMENT_BYTES,
        signal,
      })
      .catch((error: unknown) => {
        throw transportError(url, error);
      });
    if (isTransientStatus(response.status)) throw refusal(url, response);
    const endpoint = tokenEndpointOf(response);
    if (endpoint !== undefined) return authUrlOf(endpoint, apiUrl);
  }
  throw issuerMissing(
    apiUrl,
    'its metadata (/.well-known/oauth-authorization-server) names no token endpoint',
  );
}

function tokenEndpointOf({ status, text }: HttpResponse): unknown {
  const body = isSuccess(status) && text !== undefined ? parseJson(text) : undefined;
  return isRecord(body) ? (body.token_endpoint ?? undefined) : undefined;
}

/** @throws {SettingsError} unless tokens come from `{authUrl}/token` of the same origin. */
function authUrlOf(endpoint: unknown, apiUrl: string): string {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // Credentials for one server must not go to another, whatever the first one says.
  if (url?.origin !== new URL(apiUrl).origin) {
    throw issuerMissing(apiUrl, 'its metadata names a token endpoint of another origin');
  }
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isPlain || !url.pathname.endsWith('/token')) {
    throw issuerMissing(
      apiUrl,
      'its metadata names a token endpoint that is not a plain URL ending in /token',
    );
  }
  return `${url.origin}${url.pathname.slice(0, -'/token'.length)}`;
}

const ADVICE = `or set ${SETTINGS_VARIABLES.authUrl} (authUrl) to the URL of the OAuth issuer.`;

function transportError(url: string, error: unknown): TokenTransportError {
  const failure = describeFailure(error);
  const reason = redact(failure.reason, []);
  const message = `The issuer's metadata could not be fetched from ${url}: ${reason}. Check ${settingName('apiUrl')} and the network, ${ADVICE}${failure.hint}`;
  return new TokenTransportError(message, { reason: failure.kind, cause: transportCause(failure, reason) });
}

function refusal(url: string, { status, headers }: HttpResponse): TokenRejectedError | TokenThrottledError {
  const message = `The request for the issuer's metadata at ${url} returned ${status}. Try again later, ${ADVICE}`;
  const retryAfterMs = readRetryAfter(headers) ?? 0;
  if (retryAfterMs <= 0) return new TokenRejectedError(message, { status });
  return new TokenThrottledError(message, { status, retryAfterMs });
}
