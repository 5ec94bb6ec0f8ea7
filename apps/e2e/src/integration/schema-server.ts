import type { JsonValue, Tier, WireSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { type ConfigServer, createConfigServer, type ServerCredentials } from '@smooai/config-server';

/** A config server that has one schema, `shop`. */
export interface SchemaServer {
  readonly server: ConfigServer;
  readonly credentials: ServerCredentials;
  readonly api: ConfigApi;
  readonly schemaId: string;
  /** Stores a value in the environment `development`. */
  readonly set: (tier: Tier, key: string, value: JsonValue) => Promise<unknown>;
}

/** Starts a server, in memory by default, and creates the schema. */
export async function startSchemaServer(
  jsonSchema: WireSchema,
  options: Parameters<typeof createConfigServer>[0] = {},
): Promise<SchemaServer> {
  const server = await createConfigServer({ env: {}, ...options });
  const { credentials } = server;
  if (credentials === undefined) throw new Error('The server has no credentials.');
  const { apiUrl, organizationId } = credentials;
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider: new TokenProvider(credentials) });
  const { id: schemaId } = await api.createSchema({ name: 'shop', jsonSchema });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const target = { schemaId, environmentId: environment?.id ?? '' };
  const set: SchemaServer['set'] = (tier, key, value) => api.setValue({ ...target, key, value, tier });
  return { server, credentials, api, schemaId, set };
}
