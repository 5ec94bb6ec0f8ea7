import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { hashCredential, newClientSecret } from '../auth/credentials.ts';
import { SCOPES } from '../principal.ts';
import { loadEncryptionKey } from '../storage/encryption-key.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient, Environment, Storage, StoredSchema, StoredValue } from '../storage/storage.ts';
import { temporaryDirectory, tokenOf } from './running-server.ts';
import { type Shop, shopDocument, startShop } from './shop-server.ts';

/** An organization in the storage of a shop's server that the shop must not reach. */
export interface OtherOrganization {
  id: string;
  environment: Environment;
  schema: StoredSchema;
  value: StoredValue;
  client: AuthClient;
  /** A token of its admin. */
  token: string;
}

/** A value of the other organization; it must not appear in a response to the shop. */
export const FOREIGN_VALUE = 'foreign@other.example';

/** A shop's server with a second organization in the same storage, whose names and keys are the same. */
export async function startTwoOrganizations(): Promise<{ shop: Shop; other: OtherOrganization }> {
  const db = join(await temporaryDirectory(), 'config.db');
  const first = await startShop({ db });
  await first.server.close();
  const clientSecret = newClientSecret();
  const parts = await withStorage(db, (storage) => insertOther(storage, clientSecret));
  const shop = await first.restart({ db });
  const token = await tokenOf(shop.server, { clientId: parts.client.id, clientSecret });
  return { shop, other: { ...parts, token } };
}

/** Uses the storage of a database that no server has open. */
export async function withStorage<Result>(
  db: string,
  work: (storage: Storage) => Promise<Result>,
): Promise<Result> {
  const encryptionKey = await loadEncryptionKey({ file: db, env: {} });
  const storage = await openSqliteStorage({ file: db, encryptionKey });
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

async function insertOther(
  storage: Storage,
  clientSecret: string,
): Promise<Omit<OtherOrganization, 'token'>> {
  const createdAt = new Date().toISOString();
  const times = { createdAt, updatedAt: createdAt };
  // After every random id, so that the server's own organization stays the first.
  const id = `z${randomUUID()}`;
  await storage.insertOrganization({ id, name: 'other', createdAt: '9999-01-01T00:00:00.000Z' });
  const environment: Environment = {
    id: randomUUID(),
    organizationId: id,
    name: 'development',
    description: null,
    fallbackEnvironmentId: null,
    revision: 1,
    ...times,
  };
  await storage.insertEnvironment(environment);
  const client: AuthClient = {
    id: randomUUID(),
    organizationId: id,
    type: 'm2m',
    name: 'admin',
    credentialHash: hashCredential(clientSecret),
    environments: null,
    scopes: [...SCOPES],
    allowedOrigins: [],
    createdAt,
    revokedAt: null,
  };
  await storage.insertAuthClient(client);
  const schema: StoredSchema = {
    id: randomUUID(),
    organizationId: id,
    name: 'shop',
    description: null,
    currentVersion: 1,
    jsonSchema: shopDocument(),
    createdBy: client.id,
    ...times,
  };
  await storage.insertSchema(schema);
  const value: StoredValue = {
    id: randomUUID(),
    organizationId: id,
    schemaId: schema.id,
    environmentId: environment.id,
    key: 'supportEmail',
    value: FOREIGN_VALUE,
    tier: 'public',
    updatedBy: client.id,
    ...times,
  };
  await storage.upsertValue(value);
  return { id, environment, schema, value, client };
}
