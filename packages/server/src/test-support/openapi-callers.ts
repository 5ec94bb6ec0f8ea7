import type { Caller } from './openapi-requests.ts';
import { adminOf, callApi, tokenOf } from './running-server.ts';
import { type ApiResponse, type Shop, shopDocument } from './shop-server.ts';

const ORIGIN = 'https://shop.test';
const SCOPES = ['config:read', 'config:write', 'config:admin'];

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** The callers of generated requests and what exists for them to name. The requests may delete both. */
export class FuzzCallers {
  readonly #shop: Shop;
  #credentials: Partial<Record<Caller, Credentials>> = {};
  #pools: Readonly<Record<string, readonly string[]>> = {};

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  /** What exists, by kind. The client of the tests themselves is not in it. */
  get pools(): Readonly<Record<string, readonly string[]>> {
    return this.#pools;
  }

  credentialsOf(caller: Caller): Credentials {
    return this.#credentials[caller] ?? { headers: {}, query: {} };
  }

  /** Creates new callers, and a schema, an environment and values if they were deleted. */
  async renew(): Promise<void> {
    const shop = this.#shop;
    const { schema, schemas, environments, environment } = await this.#restore();
    const admin = await shop.makeClient({ type: 'm2m', scopes: SCOPES });
    const form = await shop.makeClient({ type: 'm2m', scopes: ['config:read'] });
    const reader = await shop.tokenFor({ type: 'm2m', environments: ['development'] });
    const { publishableKey } = await shop.makeClient({ type: 'b2m', allowedOrigins: [ORIGIN] });
    const bearer = (token: string): Credentials => ({
      headers: { authorization: `Bearer ${token}` },
      query: {},
    });
    this.#credentials = {
      admin: bearer(await tokenOf(shop.server, admin)),
      reader: bearer(reader),
      page: { headers: { authorization: `Bearer ${publishableKey}`, origin: ORIGIN }, query: {} },
      pageInUrl: { headers: { origin: ORIGIN }, query: { key: publishableKey } },
      malformed: { headers: { authorization: 'Basic Og==' }, query: {} },
    };
    const rows = await this.#write(schema, environment);
    const clients = await this.#authClients();
    this.#pools = {
      organization: [shop.server.organizationId],
      environment: ['development', ...environments.map(({ name }) => name ?? '')],
      environmentId: environments.map(({ id }) => id ?? ''),
      schemaId: [schema, ...schemas.map(({ id }) => id ?? '')],
      valueId: rows.map(({ id }) => id ?? ''),
      authClientId: clients.map(({ id }) => id ?? '').filter((id) => id !== adminOf(shop.server).clientId),
      key: ['theme', 'newCheckout', 'cartItems', 'supportEmail', 'paymentKey', 'ENV'],
      name: ['development', 'staging', 'shop', 'staff'],
      clientId: [form.clientId],
      clientSecret: [form.clientSecret],
      token: [await tokenOf(shop.server, form)],
    };
  }

  /** The shop's schema and the environment `development`, created again if they are gone. */
  async #restore() {
    const shop = this.#shop;
    const before = await this.#list('/environments');
    if (!before.some(({ name }) => name === 'development')) {
      expectSuccess(await shop.call('POST', '/environments', { name: 'development' }));
    }
    const environments = await this.#list('/environments');
    const environment = environments.find(({ name }) => name === 'development')?.id ?? '';
    for (const { id } of await this.#list('/schemas')) {
      expectSuccess(await shop.call('DELETE', `/schemas/${id}?force=true`));
    }
    const created = await shop.call('POST', '/schemas', { name: 'shop', jsonSchema: shopDocument() });
    expectSuccess(created);
    return { schema: created.id, schemas: await this.#list('/schemas'), environments, environment };
  }

  async #write(schemaId: string, environmentId: string): Promise<Row[]> {
    for (const [key, value, tier] of [
      ['theme', 'dark', 'feature_flag'],
      ['supportEmail', 'a@shop.test', 'public'],
      ['paymentKey', 'sk_test_0123456789', 'secret'],
    ]) {
      expectSuccess(await this.#shop.call('PUT', '/values', { schemaId, environmentId, key, value, tier }));
    }
    await this.#shop.putSegment('staff', { all: [] });
    return this.#list(`/environments/${environmentId}/values`);
  }

  async #authClients(): Promise<Row[]> {
    const { server, token } = this.#shop;
    return (await callApi(server, '/auth-clients', { token })).json() as Promise<Row[]>;
  }

  async #list(path: string): Promise<Row[]> {
    const response = await this.#shop.call('GET', path);
    expectSuccess(response);
    return response.body as unknown as Row[];
  }
}

interface Row {
  id?: string;
  name?: string;
}

function expectSuccess({ status, text }: ApiResponse): void {
  if (status >= 300) throw new Error(`The server refused to restore the test's data: ${status} ${text}`);
}
