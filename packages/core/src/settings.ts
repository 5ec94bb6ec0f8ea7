import { SETTINGS_VARIABLES } from './environment-variable.ts';
import { OptionsError, SettingsError } from './errors.ts';
import { parseBaseUrl } from './http/base-url.ts';

/** Settings as options. One that is missing or blank is read from the environment. */
export interface SettingsOptions {
  /** Base URL of the config API; else `SMOOAI_CONFIG_API_URL`. */
  apiUrl?: string | undefined;
  /** OAuth issuer; else `SMOOAI_CONFIG_AUTH_URL`, else `SMOOAI_AUTH_URL`, else `https://auth.smoo.ai`. */
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

/** The OAuth issuer if none is set. */
export const DEFAULT_AUTH_URL = 'https://auth.smoo.ai';

const DEFAULTS: Partial<ConfigSettings> = { authUrl: DEFAULT_AUTH_URL, environment: 'development' };

const FALLBACK_VARIABLES: Partial<Record<Setting, string>> = {
  authUrl: SETTINGS_VARIABLES.authUrlFallback,
  clientSecret: SETTINGS_VARIABLES.clientSecretDeprecated,
};

/**
 * Resolves each setting from the options, else from environment variables, else its default. Blank counts as missing.
 *
 * @throws {SettingsError} if settings are missing or more than one URL is invalid; it lists all of them.
 * @throws {OptionsError} if a setting is not a string, or one URL is the only fault.
 */
export function resolveSettings(
  options: SettingsOptions = {},
  env: EnvironmentVariables = processEnvironment(),
): ConfigSettings {
  const missing: string[] = [];
  const resolve = (setting: Setting): string => {
    const value = find(setting, options, env);
    if (value === undefined) missing.push(SETTINGS_VARIABLES[setting]);
    return value ?? '';
  };
  const settings: ConfigSettings = {
    apiUrl: resolve('apiUrl'),
    authUrl: resolve('authUrl'),
    clientId: resolve('clientId'),
    clientSecret: resolve('clientSecret'),
    organizationId: resolve('organizationId'),
    environment: resolve('environment'),
  };
  const malformed: OptionsError[] = [];
  for (const setting of ['apiUrl', 'authUrl'] as const) {
    if (settings[setting] === '') continue;
    const label = `${setting} (${SETTINGS_VARIABLES[setting]})`;
    const { allowInsecureHttp } = options;
    try {
      settings[setting] = parseBaseUrl(setting, settings[setting], { allowInsecureHttp, label });
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      malformed.push(error);
    }
  }
  const [first, ...others] = malformed;
  if (missing.length === 0 && first !== undefined && others.length === 0) throw first;
  if (missing.length > 0 || first !== undefined) {
    throw new SettingsError(
      missing,
      malformed.map(({ message }) => message),
    );
  }
  return settings;
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
