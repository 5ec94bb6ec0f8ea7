import { type AnyConfig, toJsonSchema, type WireSchema } from '@smooai/config';
import { type ConfigClient, type ConfigClientOptions, createConfigClient } from '@smooai/config/server';
import { FaultProxy } from './fault-proxy.ts';
import { type SchemaServer, startSchemaServer } from './schema-server.ts';

/** A server, a proxy in front of it, and the clients of one test. */
export interface ClientBench<Config extends AnyConfig> extends SchemaServer {
  readonly proxy: FaultProxy;
  readonly proxyUrl: string;
  /** Settings of a client that reaches the server through the proxy. */
  readonly throughProxy: { apiUrl: string; authUrl: string };
  /** Creates a client of the server, in the environment `development` by default. */
  readonly makeClient: (options?: Partial<ConfigClientOptions<Config>>) => ConfigClient<Config>;
  /** Closes the clients, the proxy and the server. */
  readonly close: () => Promise<void>;
}

/** Starts the server with the schema of `config`, or with `jsonSchema`. */
export async function startClientBench<Config extends AnyConfig>(
  config: Config,
  jsonSchema: WireSchema = toJsonSchema(config),
): Promise<ClientBench<Config>> {
  const schemaServer = await startSchemaServer(jsonSchema);
  const { server, credentials } = schemaServer;
  const proxy = new FaultProxy(server.url);
  const proxyUrl = await proxy.listen();
  const clients: ConfigClient<Config>[] = [];
  return {
    ...schemaServer,
    proxy,
    proxyUrl,
    throughProxy: { apiUrl: proxyUrl, authUrl: proxyUrl },
    makeClient: (options = {}) => {
      const settings = { ...credentials, environment: 'development', ...options };
      const client = createConfigClient<Config>({ ...settings, config } as ConfigClientOptions<Config>);
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await proxy.close();
      await server.close();
    },
  };
}
