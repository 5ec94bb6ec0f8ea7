import type { JsonValue, Tier, toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { type ConfigServer, createConfigServer, type ServerCredentials } from '@smooai/config-server';

/** A config server in memory that has a schema, and writes to its environment `development`. */
export interface StockedServer {
  readonly server: ConfigServer;
  readonly credentials: ServerCredentials;
  readonly api: ConfigApi;
  set: (tier: Tier, key: string, value: JsonValue) => Promise<unknown>;
}

/** Starts the server and puts the schema there. */
export async function startStockedServer(
  jsonSchema: ReturnType<typeof toJsonSchema>,
): Promise<StockedServer> {
  const server = await createConfigServer({});
  const { credentials } = server;
  if (credentials === undefined) throw new Error('a server in memory has credentials');
  const { apiUrl, organizationId } = credentials;
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider: new TokenProvider(credentials) });
  const schema = await api.createSchema({ name: 'shop', jsonSchema });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const target = { schemaId: schema.id, environmentId: environment?.id ?? '' };
  return {
    server,
    credentials,
    api,
    set: (tier, key, value) => api.setValue({ ...target, key, value, tier }),
  };
}
