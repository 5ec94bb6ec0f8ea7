import type { ServerCredentials } from '@smooai/config-server';

/** The environment variables with the settings of a client; `url` replaces the server's own URL. */
export function settingsVariables(
  { apiUrl, organizationId, clientId, clientSecret }: ServerCredentials,
  url: string = apiUrl,
): Record<string, string> {
  return {
    SMOOAI_CONFIG_API_URL: url,
    SMOOAI_CONFIG_AUTH_URL: url,
    SMOOAI_CONFIG_ORG_ID: organizationId,
    SMOOAI_CONFIG_CLIENT_ID: clientId,
    SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
    SMOOAI_CONFIG_ENV: 'development',
  };
}
