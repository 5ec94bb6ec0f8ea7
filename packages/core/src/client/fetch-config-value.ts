import { AuthenticatedRequester } from '../api/authenticated-requester.ts';
import { malformedError } from '../api/request-errors.ts';
import type { ApiRequest } from '../api/request-target.ts';
import { isConfigError, UnknownKeyError, ValuesInvalidError } from '../errors.ts';
import { createBackoff, LONGEST_TIMEOUT_MS, sleep } from '../http/backoff.ts';
import { isTransientReason, retryAfterMsOf } from '../http/transient-failure.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { requireNumber } from '../lib/option-checks.ts';
import { isRecord } from '../lib/record.ts';
import { parseStored } from '../ruleset/compiled-key.ts';
import type {
  AnyConfig,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  SecretKey,
  SecretValue,
} from '../schema/config-types.ts';
import type { SettingsOptions } from '../settings.ts';
import { discoverSettings } from '../token/issuer-discovery.ts';
import { getSharedTokenProvider } from '../token/shared-token-provider.ts';
import type { JsonValue } from '../wire.ts';

/** Options of {@link fetchConfigValue}. Settings that are left out are read from environment variables. */
export interface FetchConfigValueOptions extends SettingsOptions {
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Time limit of the whole call in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
  /** Further attempts after a 429, a 5xx or a network failure; default 2. */
  retries?: number | undefined;
}

/** A key of any tier. */
export type ConfigKey<Config extends AnyConfig> =
  | PublicKey<Config>
  | SecretKey<Config>
  | FlagKey<Config>
  | LimitKey<Config>;

/** The type of a key's value, in whichever tier it is. */
export type ConfigValue<Key extends string, Config extends AnyConfig> =
  Key extends PublicKey<Config>
    ? PublicValue<Key, Config>
    : Key extends SecretKey<Config>
      ? SecretValue<Key, Config>
      : Key extends FlagKey<Config>
        ? FlagValue<Key, Config>
        : number;

const BACKOFF = { baseMs: 100, capMs: 5_000 };

/**
 * Reads one value from the server, evaluated for the empty context, without a client: for build scripts and lambdas. With
 * `config` the value is parsed by the schema; without it, it is the JSON that the server has.
 *
 * A 429, a 5xx and a network failure are retried, within the time limit. Calls with the same settings share one token.
 *
 * @throws {SettingsError} listing all settings that are missing or malformed.
 * @throws {OptionsError} for an option with an invalid value, and for a key that cannot be in a URL.
 * @throws {UnknownKeyError} if `config` does not declare the key.
 * @throws {ValuesInvalidError} if `config` rejects the value.
 * @throws {RequestRejectedError} with status 404 if the key has no value, and after the last retry.
 * @throws {RequestTransportError} if no response arrives in time, or `signal` aborts.
 * @throws {ResponseMalformedError} if the response does not follow the protocol.
 * @throws {TokenError} if the issuer gives no token.
 * @example
 * const apiBaseUrl = await fetchConfigValue('apiBaseUrl', { config, environment: 'production' });
 */
export function fetchConfigValue<Config extends AnyConfig, Key extends ConfigKey<Config>>(
  key: Key,
  options: FetchConfigValueOptions & { config: Config },
): Promise<ConfigValue<Key, Config>>;
export function fetchConfigValue(
  key: string,
  options?: FetchConfigValueOptions & { config?: undefined },
): Promise<JsonValue>;
export async function fetchConfigValue(
  key: string,
  options: FetchConfigValueOptions & { config?: AnyConfig | undefined } = {},
): Promise<unknown> {
  const { config } = options;
  const definition = config?.keys.get(key);
  if (config !== undefined && definition === undefined) {
    throw new UnknownKeyError(key, `"${key}" is not a key in the schema. Declare it, or check its name.`);
  }
  const { value, environment } = await readValue(key, options);
  if (definition === undefined) return value;
  const parsed = parseStored(definition, value);
  if (parsed.ok) return parsed.value;
  const message = `"${key}" has a value that the schema rejects: ${parsed.issues.join('; ')}.`;
  throw new ValuesInvalidError(environment, [{ key, code: 'ERR_VALUE_INVALID', message }]);
}

async function readValue(
  key: string,
  options: FetchConfigValueOptions,
): Promise<{ value: unknown; environment: string }> {
  const { fetch, signal, allowInsecureHttp, timeoutMs = 10_000, retries = 2 } = options;
  requireNumber('timeoutMs', timeoutMs, { min: 1, max: LONGEST_TIMEOUT_MS });
  requireNumber('retries', retries, { min: 0, integer: true });
  const endsAt = performance.now() + timeoutMs;
  const leftMs = (): number => Math.max(1, endsAt - performance.now());
  const settings = await discoverSettings(options, { fetch, signal, timeoutMs: leftMs() });
  const { apiUrl, organizationId, environment } = settings;
  const tokenProvider = getSharedTokenProvider({ ...settings, fetch, allowInsecureHttp });
  const request: ApiRequest = {
    method: 'GET',
    path: ['organizations', organizationId, 'config', 'values', key],
    query: { environment },
    renewsToken: false,
    retries: 0,
    signal,
  };
  const backoff = createBackoff(BACKOFF);
  for (let left = retries; ; left -= 1) {
    const attemptMs = leftMs();
    const limits = { timeoutMs: attemptMs, deadlineMs: attemptMs };
    const requester = new AuthenticatedRequester({
      apiUrl,
      tokenProvider,
      fetch,
      allowInsecureHttp,
      ...limits,
    });
    try {
      const { body } = await requester.json(request);
      if (isRecord(body) && body.value !== undefined) return { value: body.value, environment };
      throw malformedError(request, 'has no "value"');
    } catch (error) {
      const waitMs = Math.max(backoff.next(), retryAfterMsOf(error));
      if (left === 0 || !isRetryable(error) || waitMs >= leftMs()) throw error;
      await sleep(waitMs, { signal });
    }
  }
}

function isRetryable(error: unknown): boolean {
  if (!isConfigError(error)) return false;
  if (error.code === 'ERR_REQUEST_REJECTED') return error.status === 429 || error.status >= 500;
  return error.code === 'ERR_REQUEST_TRANSPORT' && isTransientReason(error.reason);
}
