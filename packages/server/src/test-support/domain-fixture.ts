import { randomBytes } from 'node:crypto';
import type { JsonValue, Tier } from '@smooai/config';
import { beforeAll } from 'vitest';
import { ChangeBus } from '../domain/change-bus.ts';
import { ConfigService } from '../domain/config-service.ts';
import type { ValueWrite } from '../domain/values.ts';
import { type Principal, SCOPES } from '../principal.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { ChangeRecord, Environment, Storage, StorageOperations } from '../storage/storage.ts';
import { shopDocument } from './shop-server.ts';
import { environmentRow, insertShop, type Shop, schemaRow } from './storage-fixtures.ts';

const TIERS: Readonly<Record<string, Tier>> = {
  theme: 'feature_flag',
  newCheckout: 'feature_flag',
  cartItems: 'limit',
  paymentKey: 'secret',
  vault: 'secret',
};

const NO_LOG = { error: (): void => undefined };

/** An organization with the environment `development` and the schema of the shop, and the service without a server. */
export class Domain {
  readonly storage: Storage;
  readonly service: ConfigService;
  readonly shop: Shop;

  constructor(storage: Storage, service: ConfigService, shop: Shop) {
    this.storage = storage;
    this.service = service;
    this.shop = shop;
  }

  /** A machine client of the organization with every right, unless `fields` say otherwise. */
  readonly principal = (fields: Partial<Principal> = {}): Principal => ({
    clientId: 'client',
    type: 'm2m',
    organizationId: this.shop.organization.id,
    environments: undefined,
    scopes: new Set(SCOPES),
    token: undefined,
    origin: undefined,
    ...fields,
  });

  readonly addEnvironment = async (name: string, fallback?: Environment): Promise<Environment> => {
    const fallbackEnvironmentId = fallback?.id ?? null;
    const environment = environmentRow(this.shop.organization, { name, fallbackEnvironmentId });
    await this.storage.insertEnvironment(environment);
    return environment;
  };

  /** Environments with these names, each with the one before it as its fallback. */
  readonly addChain = async (...names: readonly string[]): Promise<Environment[]> => {
    const chain: Environment[] = [];
    for (const name of names) chain.push(await this.addEnvironment(name, chain.at(-1)));
    return chain;
  };

  readonly write = (key: string, value: JsonValue, environment?: Environment): ValueWrite => {
    const ids = { schemaId: this.shop.schema.id, environmentId: (environment ?? this.shop.environment).id };
    return { ...ids, key, value, tier: TIERS[key] ?? 'public' };
  };

  readonly set = async (key: string, value: JsonValue, environment?: Environment): Promise<void> => {
    await this.service.values.set(this.principal(), [this.write(key, value, environment)], () => '');
  };

  /** The service on a storage whose transactions have other operations. Close it. */
  readonly serviceWith = (operations: Partial<StorageOperations>): ConfigService => {
    const { storage } = this;
    const transaction: Storage['transaction'] = (work, scope) =>
      storage.transaction((original) => work({ ...original, ...operations }), scope);
    return new ConfigService({ storage: { ...storage, transaction }, changes: new ChangeBus(), log: NO_LOG });
  };

  /** The changes of an environment since it was added. */
  readonly changesOf = async ({ id, revision }: Environment): Promise<ChangeRecord['changes'][]> => {
    return ((await this.storage.listChangesSince(id, revision)) ?? []).map(({ changes }) => changes);
  };
}

/** One service in memory for all tests of a file. Each call adds an organization with the shop's schema. */
export function sharedDomain(): () => Promise<Domain> {
  let parts: { storage: Storage; service: ConfigService } | undefined;
  beforeAll(async () => {
    const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
    const service = new ConfigService({ storage, changes: new ChangeBus(), log: NO_LOG });
    parts = { storage, service };
    return async () => {
      await service.close();
      await storage.close();
    };
  });
  return async () => {
    if (parts === undefined) throw new Error('The shared service runs only inside of tests.');
    const { storage, service } = parts;
    const shop = await insertShop(storage);
    await storage.deleteSchema(shop.schema.id);
    const schema = schemaRow(shop.organization, { jsonSchema: shopDocument() });
    await storage.insertSchema(schema);
    return new Domain(storage, service, { ...shop, schema });
  };
}
