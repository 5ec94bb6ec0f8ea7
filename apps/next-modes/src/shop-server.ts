import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { type ConfigServer, createConfigServer, type WebhookOptions } from '@smooai/config-server';
import { config } from '../shared/schema.ts';

type Tier = 'public' | 'secret' | 'feature_flag' | 'limit';

/** A config server in this process, with the values of the fixture apps. */
export class ShopServer {
  readonly #server: ConfigServer;
  readonly #api: ConfigApi;
  readonly #schemaId: string;
  readonly #environments: Map<string, string>;

  private constructor(
    server: ConfigServer,
    api: ConfigApi,
    schemaId: string,
    environments: Map<string, string>,
  ) {
    this.#server = server;
    this.#api = api;
    this.#schemaId = schemaId;
    this.#environments = environments;
  }

  static async start(webhooks: WebhookOptions[] = []): Promise<ShopServer> {
    const server = await createConfigServer({ webhooks, timeouts: { closeMs: 500 } });
    if (server.credentials === undefined) throw new Error('The server has no credentials.');
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
    const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
    const { id } = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
    const environments = (await api.listEnvironments()).map(({ id: environmentId, name }) => [
      name,
      environmentId,
    ]);
    const shop = new ShopServer(server, api, id, new Map(environments as [string, string][]));
    for (const environment of ['development', 'production']) await shop.#seed(environment);
    return shop;
  }

  /** The settings of an app, as environment variables. */
  env(environment: string): Record<string, string> {
    const { credentials } = this.#server;
    return {
      SMOOAI_CONFIG_API_URL: credentials?.apiUrl ?? '',
      SMOOAI_CONFIG_AUTH_URL: credentials?.authUrl ?? '',
      SMOOAI_CONFIG_ORG_ID: credentials?.organizationId ?? '',
      SMOOAI_CONFIG_CLIENT_ID: credentials?.clientId ?? '',
      SMOOAI_CONFIG_CLIENT_SECRET: credentials?.clientSecret ?? '',
      SMOOAI_CONFIG_ENV: environment,
    };
  }

  async set(
    environment: string,
    tier: Tier,
    [key, value]: readonly [key: string, value: unknown],
  ): Promise<void> {
    const environmentId = this.#environments.get(environment) ?? '';
    await this.#api.setValue({ schemaId: this.#schemaId, environmentId, key, value: value as never, tier });
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #seed(environment: string): Promise<void> {
    await this.set(environment, 'public', ['supportEmail', `${environment}@shop.example`]);
    await this.set(environment, 'secret', ['paymentKey', 'payment-key-1']);
    await this.set(environment, 'feature_flag', ['betaShop', onlyFor('beta-user')]);
  }
}

/** True for one user only. */
export function onlyFor(userId: string): unknown {
  const when = { attribute: 'userId', op: 'in', values: [userId] };
  return { $cohort: { rules: [{ id: 'beta-testers-rule', when, value: true }], defaultValue: false } };
}
