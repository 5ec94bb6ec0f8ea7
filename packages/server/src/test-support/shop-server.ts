import type { Condition, JsonValue, WireSchema } from '@smooai/config';
import type { ConfigServer } from '../create-config-server.ts';
import type { ConfigServerOptions } from '../server-options.ts';
import type { StoredSchema, StoredValue } from '../storage/storage.ts';
import {
  adminOf,
  type CreatedClient,
  callApi,
  makeClient,
  sharedServer,
  startServer,
  tokenOf,
} from './running-server.ts';

/** The schema document of the shop that the tests use. */
export function shopDocument(): WireSchema {
  return {
    type: 'object',
    properties: {
      publicConfigSchema: {
        type: 'object',
        properties: {
          apiBaseUrl: { type: 'string', format: 'uri' },
          supportEmail: { type: 'string', default: 'help@shop.test' },
          contact: {
            type: 'object',
            properties: { phones: { type: 'array', items: { type: 'string' } } },
            required: ['phones'],
            additionalProperties: false,
          },
        },
      },
      secretConfigSchema: {
        type: 'object',
        properties: {
          paymentKey: { type: 'string', minLength: 8 },
          vault: { type: 'object', additionalProperties: { type: 'string', maxLength: 10 } },
        },
      },
      featureFlagSchema: {
        type: 'object',
        properties: {
          newCheckout: { type: 'boolean', default: false },
          theme: { enum: ['light', 'dark'], default: 'light' },
          banner: { type: 'string' },
        },
      },
      limitsSchema: {
        type: 'object',
        properties: {
          cartItems: { type: 'number', default: 20, minimum: 1, maximum: 100, multipleOf: 1 },
          rate: { type: 'number', default: 0.5, minimum: 0, maximum: 1, multipleOf: 0.1 },
        },
      },
    },
  };
}

/** A response of the server. */
export interface ApiResponse {
  status: number;
  // Loosely typed, because tests look into bodies of every shape.
  body: Record<string, JsonValue> & { message?: string };
  text: string;
  headers: Headers;
  /** The `id` in the body; empty if there is none. */
  id: string;
}

/** A value to set; the tier is derived from the key, and the default environment is `development`. */
export interface ValueInput {
  key: string;
  value: JsonValue;
  environment?: string;
}

/** A running server with the shop's schema, and the admin client's token. */
export class Shop {
  readonly server: ConfigServer;
  readonly token: string;
  readonly schema: StoredSchema;
  /** Ids by name. */
  readonly environments: Record<string, string>;

  constructor(
    server: ConfigServer,
    parts: { token: string; schema: StoredSchema; environments: Record<string, string> },
  ) {
    this.server = server;
    this.token = parts.token;
    this.schema = parts.schema;
    this.environments = parts.environments;
  }

  /** Calls an endpoint below `…/config`. */
  call(
    method: string,
    path: string,
    body?: unknown,
    options: { token?: string; headers?: Record<string, string> } = {},
  ): Promise<ApiResponse> {
    return callConfig(this.server, options.token ?? this.token, {
      method,
      path,
      body,
      headers: options.headers,
    });
  }

  /** The body of a write. */
  write({ key, value, environment = 'development' }: ValueInput): Record<string, JsonValue> {
    const id = this.environments[environment] ?? environment;
    return { schemaId: this.schema.id, environmentId: id, key, value, tier: tierOfKey(key) };
  }

  /** Sets a value. Throws if the server refuses it. */
  async set(key: string, value: JsonValue, environment?: string): Promise<StoredValue> {
    const response = await this.call(
      'PUT',
      '/values',
      this.write({ key, value, ...(environment !== undefined && { environment }) }),
    );
    if (response.status !== 200) throw new Error(`PUT ${key}: ${response.status} ${response.text}`);
    return response.body as unknown as StoredValue;
  }

  async putSegment(name: string, condition: Condition, environment = 'development'): Promise<ApiResponse> {
    return this.call('PUT', `/segments/${name}?environment=${environment}`, { condition });
  }

  /** The ruleset of an environment. */
  async ruleset(
    environment = 'development',
  ): Promise<Record<string, Record<string, JsonValue>> & { revision: string }> {
    const { body } = await this.call('GET', `/ruleset?environment=${environment}`);
    return body as never;
  }

  async addEnvironment(name: string, fallback?: string): Promise<string> {
    const response = await this.call('POST', '/environments', {
      name,
      ...(fallback !== undefined && { fallbackEnvironmentId: this.environments[fallback] ?? fallback }),
    });
    if (response.status !== 201) throw new Error(`POST ${name}: ${response.status} ${response.text}`);
    this.environments[name] = response.id;
    return response.id;
  }

  /** Another server on the database of this one, which must be closed. */
  async restart(options: ConfigServerOptions): Promise<Shop> {
    const server = await startServer(options);
    const token = await tokenOf(server, adminOf(this.server));
    return new Shop(server, { token, schema: this.schema, environments: this.environments });
  }

  makeClient(input: Record<string, unknown>): Promise<CreatedClient> {
    return makeClient(this.server, this.token, input);
  }

  /** A token of a new machine client. */
  async tokenFor(input: Record<string, unknown>): Promise<string> {
    return tokenOf(this.server, await this.makeClient({ type: 'm2m', ...input }));
  }
}

/** Starts a server, in memory, with the shop's schema. */
export async function startShop(options?: ConfigServerOptions): Promise<Shop> {
  return openShop(await startServer(options));
}

/** One shop for all tests of a `describe` block, which must not change it. */
export function sharedShop(): () => Promise<Shop> {
  const server = sharedServer();
  let shop: Promise<Shop> | undefined;
  return () => {
    shop ??= openShop(server());
    return shop;
  };
}

async function openShop(server: ConfigServer): Promise<Shop> {
  const token = await tokenOf(server);
  const created = await callConfig(server, token, {
    method: 'POST',
    path: '/schemas',
    body: { name: 'shop', jsonSchema: shopDocument() },
  });
  if (created.status !== 201) throw new Error(`POST /schemas: ${created.status} ${created.text}`);
  const list = await callConfig(server, token, { method: 'GET', path: '/environments' });
  const rows = list.body as unknown as { id: string; name: string }[];
  const environments = Object.fromEntries(rows.map(({ id, name }) => [name, id]));
  return new Shop(server, { token, schema: created.body as unknown as StoredSchema, environments });
}

async function callConfig(
  server: ConfigServer,
  token: string,
  request: { method: string; path: string; body?: unknown; headers?: Record<string, string> | undefined },
): Promise<ApiResponse> {
  const { method, path, body, headers } = request;
  const response = await callApi(server, `/config${path}`, {
    token,
    method,
    body,
    ...(headers && { headers }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const content: ApiResponse['body'] = isJson ? JSON.parse(text) : {};
  const id = typeof content.id === 'string' ? content.id : '';
  return { status: response.status, body: content, text, headers: response.headers, id };
}

function tierOfKey(key: string): string {
  if (['newCheckout', 'theme', 'banner'].includes(key)) return 'feature_flag';
  if (['cartItems', 'rate'].includes(key)) return 'limit';
  return ['paymentKey', 'vault'].includes(key) ? 'secret' : 'public';
}
