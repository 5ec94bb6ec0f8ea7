import { defineConfig, defineLimit, type Ruleset, toJsonSchema } from '@smooai/config';
import {
  ConfigApi,
  type ConfigClient,
  createConfigClient,
  RemoteSource,
  type RemoteSourceOptions,
  TokenProvider,
} from '@smooai/config/server';
import type { ConfigServer, createConfigServer, ServerCredentials } from '@smooai/config-server';
import { expect, vi } from 'vitest';
import { z } from 'zod';
import { startSchemaServer } from './schema-server.ts';

/**
 * Every write sets all keys to its version, so that a half change shows. Only odd versions set `odd`, so that a skipped
 * change shows too.
 */
export const config = defineConfig({
  public: { version: z.number().default(0), odd: z.number().default(0) },
  secrets: { paymentKey: z.string().min(1).default('none') },
  flags: { left: z.number().default(0), right: z.number().default(0) },
  limits: { cartItems: defineLimit({ default: 0, min: 0, max: 1_000_000 }) },
});

export type ShopClient = ConfigClient<typeof config>;

/** The server's heartbeat and the client's timeouts: shortened for the tests, but not so short that a busy machine misses them. */
export const heartbeat = { heartbeatMs: 100 };
export const times = {
  heartbeatTimeoutMs: 2_500,
  openTimeoutMs: 2_500,
  reconnectCapMs: 200,
  pollIntervalMs: 100,
};
const requestTimeoutMs = 2_500;

/** A server that has the schema. */
export interface Shop {
  readonly server: ConfigServer;
  readonly credentials: ServerCredentials;
  readonly api: ConfigApi;
  readonly schemaId: string;
}

/** An environment of a shop. */
export interface ShopEnvironment {
  readonly name: string;
  write(version: number): Promise<void>;
  ruleset(): Promise<Ruleset>;
}

/** Starts a server and creates the schema. */
export async function startShop(options: Parameters<typeof createConfigServer>[0] = {}): Promise<Shop> {
  const { server, credentials, schemaId } = await startSchemaServer(toJsonSchema(config), {
    streams: heartbeat,
    ...options,
  });
  return { server, credentials, schemaId, api: makeApi(credentials, server.url) };
}

export function makeApi(
  { clientId, clientSecret, organizationId }: ServerCredentials,
  url: string,
  options: Partial<ConstructorParameters<typeof ConfigApi>[0]> = {},
): ConfigApi {
  const tokenProvider = new TokenProvider({
    authUrl: url,
    clientId,
    clientSecret,
    timeoutMs: requestTimeoutMs,
  });
  return new ConfigApi({ apiUrl: url, organizationId, tokenProvider, ...options });
}

/** Opens the environment with this name, or creates it. */
export async function openEnvironment(
  { api, schemaId }: Pick<Shop, 'api' | 'schemaId'>,
  name: string,
): Promise<ShopEnvironment> {
  const known = (await api.listEnvironments()).find((entry) => entry.name === name);
  const { id: environmentId } = known ?? (await api.createEnvironment({ name }));
  const row = { schemaId, environmentId };
  return {
    name,
    write: async (version) => {
      await api.setValues([
        { ...row, tier: 'public', key: 'version', value: version },
        { ...row, tier: 'feature_flag', key: 'left', value: version },
        { ...row, tier: 'secret', key: 'paymentKey', value: secretOf(version) },
        { ...row, tier: 'limit', key: 'cartItems', value: version },
        { ...row, tier: 'feature_flag', key: 'right', value: version },
        ...(version === oddOf(version)
          ? [{ ...row, tier: 'public' as const, key: 'odd', value: version }]
          : []),
      ]);
    },
    ruleset: async () => {
      const answer = await api.getRuleset(name);
      if (answer.status !== 'changed') throw new Error('The server returned no ruleset.');
      return answer.ruleset;
    },
  };
}

export function secretOf(version: number): string {
  return `payment-key-${version}`;
}

function oddOf(version: number): number {
  return version % 2 === 0 ? Math.max(0, version - 1) : version;
}

/** Creates a client with short timeouts that reaches the server at `url`. Does not start it. */
export function makeClient(
  credentials: ServerCredentials,
  options: { url: string; environment: string; source?: Partial<RemoteSourceOptions> },
): ShopClient {
  const api = makeApi(credentials, options.url, {
    timeoutMs: requestTimeoutMs,
    maxResponseBytes: 256 * 1024,
  });
  const source = new RemoteSource({
    api,
    config,
    environment: options.environment,
    ...times,
    ...options.source,
  });
  return createConfigClient({ config, source });
}

/** Waits until the client has this version. */
export function untilSeen(client: ShopClient, version: number): Promise<void> {
  return vi.waitFor(() => expect(client.flag('left')).toBe(version), { timeout: 60_000, interval: 5 });
}

/** Reads every value every 10 ms and on every change, and records what must never happen. */
export class Reader {
  /** Descriptions of what went wrong. */
  readonly faults: string[] = [];
  /** The versions in the order they were read, without repetitions. */
  readonly versions: number[] = [];
  readonly #client: ShopClient;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(client: ShopClient) {
    this.#client = client;
    client.subscribe(() => this.read());
    this.#timer = setInterval(() => this.read(), 10);
  }

  read(): number {
    const client = this.#client;
    try {
      const version = client.flag('left');
      const others = [client.flag('right'), client.limit('cartItems'), client.public('version')];
      if (others.some((other) => other !== version))
        this.faults.push(`half a change: ${version}, ${others.join()}`);
      const odd = client.public('odd');
      if (odd !== oddOf(version)) this.faults.push(`a skipped change: ${version}, ${odd}`);
      const secret = client.secret('paymentKey');
      if (version > 0 && secret !== secretOf(version))
        this.faults.push(`half a change: ${version}, ${secret}`);
      if (client.snapshot().flags.right?.value !== version) this.faults.push('a snapshot of another version');
      client.health();
      if (this.versions.at(-1) !== version) this.versions.push(version);
      return version;
    } catch (error) {
      this.faults.push(`a read threw: ${String(error)}`);
      return Number.NaN;
    }
  }

  /** Returns the versions that are older than one read before. */
  steppedBack(): number[] {
    return this.versions.filter((version, index) => version < Math.max(...this.versions.slice(0, index)));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
