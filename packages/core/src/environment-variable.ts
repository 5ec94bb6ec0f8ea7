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

/**
 * The environment variable of a key: words in capitals, joined by underscores.
 * A run of capitals is one word: `apiBaseUrl` → `API_BASE_URL`, `apiURLPath` → `API_URL_PATH`, `s3Bucket` → `S3_BUCKET`.
 */
export function environmentVariableName(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toUpperCase();
}
