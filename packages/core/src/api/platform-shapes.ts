import type { ApiAuthClient, ApiSchema, CreatedAuthClient } from './config-api-types.ts';

/** The response to a push. The published contract describes the version; a config server may send only its number. */
export interface PushedSchema {
  schema: ApiSchema;
  version: number | { version: number };
}

/** A created client, with the names of the published contract (`secretKey`, `publicKey`) or of the config server. */
type CreatedClientResponse = Partial<ApiAuthClient> & {
  clientSecret?: string;
  secretKey?: string;
  publishableKey?: string;
  publicKey?: string;
};

export function versionNumber(version: PushedSchema['version']): number {
  return typeof version === 'object' ? version.version : version;
}

/** Adds the names of the config server to those of the published contract. */
export function readCreatedClient(response: CreatedClientResponse): CreatedAuthClient {
  const { secretKey, publicKey, ...client } = response;
  const { clientSecret = secretKey, publishableKey = publicKey } = response;
  const id = client.id ?? client.clientId;
  return {
    ...client,
    ...(id !== undefined && { id }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(publishableKey !== undefined && { publishableKey }),
  } as CreatedAuthClient;
}
