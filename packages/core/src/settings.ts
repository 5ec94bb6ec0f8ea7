import { SETTINGS_VARIABLES, settingName } from './environment-variable.ts';
import { OptionsError, SettingsError } from './errors.ts';
import { parseBaseUrl } from './http/base-url.ts';

/** Settings as options. One that is missing or blank is read from the environment. */
export interface SettingsOptions {
  /** Base URL of the config API; else `SMOOAI_CONFIG_API_URL`. */
  apiUrl?: string | undefined;
  /**
   * OAuth issuer; else `SMOOAI_CONFIG_AUTH_URL`, else `SMOOAI_AUTH_URL`. Default: `https://auth.smoo.ai` for the hosted API
   * (https, a host under `smoo.ai`); for any other API its own URL, if its metadata names a token endpoint there.
   */
  authUrl?: string | undefined;
  /** OAuth client; else `SMOOAI_CONFIG_CLIENT_ID`. */
  clientId?: string | undefined;
  /** Its secret; else `SMOOAI_CONFIG_CLIENT_SECRET`, else the deprecated `SMOOAI_CONFIG_API_KEY`. */
  clientSecret?: string | undefined;
  /** Organization; else `SMOOAI_CONFIG_ORG_ID`. */
  organizationId?: string | undefined;
  /** Environment name; else `SMOOAI_CONFIG_ENV`, else `development`. */
  environment?: string | undefined;
  /** Allows http URLs of hosts other than loopback; default false. */
  allowInsecureHttp?: boolean | undefined;
}

/** Everything that a client needs to reach its configuration. It contains the client secret: do not log it. */
export interface ConfigSettings {
  apiUrl: string;
  authUrl: string;
  clientId: string;
  clientSecret: string;
  organizationId: string;
  environment: string;
}

/** Environment variables by name, such as `process.env`. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

type Setting = keyof ConfigSettings;

/** {@link ConfigSettings} as far as they are set: `authUrl` is undefined if the API's metadata must name the issuer. */
export type FoundSettings = Omit<ConfigSettings, 'authUrl'> & { authUrl: string | undefined };

/** The OAuth issuer of the hosted API. */
const HOSTED_AUTH_URL = 'https://auth.smoo.ai';

const DEFAULTS: Partial<ConfigSettings> = { environment: 'development' };

const SETTING_NAMES = [
  'apiUrl',
  'authUrl',
  'clientId',
  'clientSecret',
  'organizationId',
  'environment',
] as const satisfies readonly Setting[];

const FALLBACK_VARIABLES: Partial<Record<Setting, string>> = {
  authUrl: SETTINGS_VARIABLES.authUrlFallback,
  clientSecret: SETTINGS_VARIABLES.clientSecretDeprecated,
};

/**
 * Resolves each setting from the options, else from environment variables, else its default. Blank counts as missing.
 * The issuer has a default only for the hosted API, because credentials must go only where the user said. A config server
 * of your own can name its issuer: use {@link discoverSettings} to ask it.
 *
 * @throws {SettingsError} if settings are missing or URLs are invalid; it lists all of them.
 * @throws {OptionsError} if a setting is not a string.
 */
export function resolveSettings(
  options: SettingsOptions = {},
  env: EnvironmentVariables = processEnvironment(),
): ConfigSettings {
  const { authUrl, ...settings } = findSettings(options, env);
  if (authUrl === undefined) throw issuerMissing(settings.apiUrl);
  return { ...settings, authUrl };
}

/** Like {@link resolveSettings}, but leaves `authUrl` undefined if it is the only missing setting. */
export function findSettings(
  options: SettingsOptions = {},
  env: EnvironmentVariables = processEnvironment(),
): FoundSettings {
  const { apiUrl = '', authUrl, ...found } = readSettings(options, env);
  const malformed: string[] = [];
  const urlOf = (setting: 'apiUrl' | 'authUrl', value: string): string => {
    const label = settingName(setting);
    const { allowInsecureHttp } = options;
    try {
      return parseBaseUrl(setting, value, { allowInsecureHttp, label });
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      malformed.push(error.message);
      return '';
    }
  };
  const settings: FoundSettings = {
    apiUrl: apiUrl && urlOf('apiUrl', apiUrl),
    authUrl: authUrl && urlOf('authUrl', authUrl),
    clientId: found.clientId ?? '',
    clientSecret: found.clientSecret ?? '',
    organizationId: found.organizationId ?? '',
    environment: found.environment ?? '',
  };
  if (authUrl === undefined && isHosted(settings.apiUrl)) settings.authUrl = HOSTED_AUTH_URL;
  const missing = missingOf({ ...settings, apiUrl });
  if (missing.length === 0 && malformed.length === 0) return settings;
  // The issuer is missing too, unless it would depend on an API that is not known yet.
  const isIssuerMissing = settings.authUrl === undefined && settings.apiUrl !== '';
  if (isIssuerMissing) missing.push('authUrl');
  throw new SettingsError(
    SETTING_NAMES.filter((setting) => missing.includes(setting)).map(
      (setting) => SETTINGS_VARIABLES[setting],
    ),
    malformed,
    isIssuerMissing ? [issuerAdvice(settings.apiUrl)] : [],
  );
}

/**
 * Reads each setting from the options, else from environment variables, else its default, and checks nothing. For
 * comparing settings; it contains the client secret.
 *
 * @throws {OptionsError} if a setting is not a string.
 */
export function readSettings(
  options: SettingsOptions = {},
  env: EnvironmentVariables = processEnvironment(),
): Partial<ConfigSettings> {
  const settings: Partial<ConfigSettings> = {};
  for (const setting of SETTING_NAMES) {
    const value = find(setting, options, env);
    if (value !== undefined) settings[setting] = value;
  }
  return settings;
}

/** The error for an API whose issuer is not known; `reason` says why its metadata did not help. */
export function issuerMissing(apiUrl: string, reason?: string): SettingsError {
  return new SettingsError([SETTINGS_VARIABLES.authUrl], [], [issuerAdvice(apiUrl, reason)]);
}

function issuerAdvice(apiUrl: string, reason = 'it is not set'): string {
  return `The issuer of ${apiUrl} is not known (${reason}), and credentials are sent only to servers that were configured. If you run your own config server, set ${SETTINGS_VARIABLES.authUrl} (authUrl) to that server's URL, else to the URL of the API's OAuth issuer.`;
}

/** Whether an API is the hosted one, whose issuer is known. */
function isHosted(apiUrl: string): boolean {
  if (apiUrl === '') return false;
  const { protocol, hostname } = new URL(apiUrl);
  return protocol === 'https:' && (hostname === 'smoo.ai' || hostname.endsWith('.smoo.ai'));
}

/** The settings that are missing, apart from the issuer. */
function missingOf(settings: FoundSettings): Setting[] {
  return SETTING_NAMES.filter((setting) => setting !== 'authUrl' && settings[setting] === '');
}

/** Resolves only the name of the environment. @throws {OptionsError} if it is not a string. */
export function resolveEnvironment(
  options: SettingsOptions = {},
  env: EnvironmentVariables = processEnvironment(),
): string {
  return find('environment', options, env) ?? '';
}

function find(setting: Setting, options: SettingsOptions, env: EnvironmentVariables): string | undefined {
  const option: unknown = options[setting];
  if (option !== undefined && option !== null && typeof option !== 'string') {
    throw new OptionsError(setting, `"${setting}" must be a string, got ${typeof option}.`);
  }
  const fallback = FALLBACK_VARIABLES[setting];
  const candidates = [option, env[SETTINGS_VARIABLES[setting]], fallback && env[fallback], DEFAULTS[setting]];
  // A variable that is read from a file often ends with a line break.
  return candidates.map((value) => value?.trim()).find((value) => value !== undefined && value !== '');
}

/** `process.env`; empty without a process. */
export function processEnvironment(): EnvironmentVariables {
  // Web workers have no `process`.
  return typeof process === 'object' && process !== null ? (process.env ?? {}) : {};
}
