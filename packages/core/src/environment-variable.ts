/** The variables that the client itself reads. A key must not use one of them. */
export const SETTINGS_VARIABLES = {
  apiUrl: 'SMOOAI_CONFIG_API_URL',
  authUrl: 'SMOOAI_CONFIG_AUTH_URL',
  authUrlFallback: 'SMOOAI_AUTH_URL',
  clientId: 'SMOOAI_CONFIG_CLIENT_ID',
  clientSecret: 'SMOOAI_CONFIG_CLIENT_SECRET',
  clientSecretDeprecated: 'SMOOAI_CONFIG_API_KEY',
  organizationId: 'SMOOAI_CONFIG_ORG_ID',
  environment: 'SMOOAI_CONFIG_ENV',
} as const;

/** A setting in a message: the option's name and its variable, such as `apiUrl (SMOOAI_CONFIG_API_URL)`. */
export function settingName(setting: keyof typeof SETTINGS_VARIABLES): string {
  return `${setting} (${SETTINGS_VARIABLES[setting]})`;
}

/**
 * The environment variable of a key: words in capitals, joined by underscores. It has only capitals, digits and
 * underscores, and does not start with a digit, so that a shell can set it.
 *
 * - A run of capitals is one word: `apiBaseUrl` → `API_BASE_URL`, `myAPIKeyV2Beta` → `MY_API_KEY_V2_BETA`.
 * - A key in capitals is its own variable: `API_URL` → `API_URL`, `OAUTH2URL` → `OAUTH2URL`.
 * - Other characters become an underscore: `new-checkout` and `new.checkout` → `NEW_CHECKOUT`, `2fa` → `_2FA`.
 */
export function environmentVariableName(key: string): string {
  const words = /[a-z]/.test(key)
    ? key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    : key;
  return words
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .toUpperCase()
    .replace(/^(?=[0-9])/, '_');
}
