import { type AnyConfig, type JsonValue, toJsonSchema } from '@smooai/config';
import {
  ConfigApi,
  type ConfigClient,
  type ConfigClientOptions,
  createConfigClient,
  TokenProvider,
} from '@smooai/config/server';
import { type ConfigServer, type ConfigServerOptions, createConfigServer } from '@smooai/config-server';
import { onTestFinished } from 'vitest';

const ENVIRONMENT = 'development';

/** A real config server with a schema, and an operator's access to it. */
export class RunningServer {
  readonly server: ConfigServer;
  readonly config: AnyConfig;
  readonly api: ConfigApi;
  readonly #ids: { schemaId: string; environmentId: string };

  constructor(
    server: ConfigServer,
    parts: { config: AnyConfig; api: ConfigApi; schemaId: string; environmentId: string },
  ) {
    this.server = server;
    this.config = parts.config;
    this.api = parts.api;
    this.#ids = parts;
  }

  /** Options of a client of this server. */
  clientOptions(): ConfigClientOptions<AnyConfig> {
    const { credentials } = this.server;
    if (credentials === undefined) throw new Error('The server has no credentials.');
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
    const settings = { apiUrl, authUrl, organizationId, clientId, clientSecret, environment: ENVIRONMENT };
    return { config: this.config, overrides: false, ...settings };
  }

  /** A client of this server, closed when the test ends. */
  createClient(options: Partial<ConfigClientOptions<AnyConfig>> = {}): ConfigClient<AnyConfig> {
    const client = createConfigClient<AnyConfig>({ ...this.clientOptions(), ...options });
    onTestFinished(() => client.close());
    return client;
  }

  async set(values: Readonly<Record<string, JsonValue>>): Promise<void> {
    const inputs = Object.entries(values).map(([key, value]) => {
      const tier = this.config.keys.get(key)?.tier;
      if (tier === undefined) throw new Error(`The schema has no key "${key}".`);
      return { ...this.#ids, key, value, tier };
    });
    await this.api.setValues(inputs);
  }

  /** A publishable key for pages of that origin. */
  async publishableKey(origin: string): Promise<string> {
    const client = await this.api.createAuthClient({ type: 'b2m', name: 'page', allowedOrigins: [origin] });
    return client.publishableKey ?? '';
  }
}

/** Starts a config server in memory. The caller closes it. */
export async function startConfigServer(
  config: AnyConfig,
  values: Readonly<Record<string, JsonValue>> = {},
  options: ConfigServerOptions = {},
): Promise<RunningServer> {
  const server = await createConfigServer({ env: {}, ...options });
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const schema = await api.createSchema({ name: 'test', jsonSchema: toJsonSchema(config) });
  const environment = (await api.listEnvironments()).find(({ name }) => name === ENVIRONMENT);
  const parts = { config, api, schemaId: schema.id, environmentId: environment?.id ?? '' };
  const running = new RunningServer(server, parts);
  await running.set(values);
  return running;
}
