import { randomUUID } from 'node:crypto';
import type { WireSchema } from '@smooai/config';
import type {
  AuthClient,
  Environment,
  Organization,
  StorageOperations,
  StoredSchema,
  StoredSegment,
  StoredValue,
} from '../storage/storage.ts';

/** A timestamp for rows: `minutes` after a fixed start. */
export function at(minutes = 0): string {
  return new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString();
}

/** A wire schema without keys. */
export const EMPTY_SCHEMA: WireSchema = {
  type: 'object',
  properties: {
    publicConfigSchema: { type: 'object', properties: {} },
    secretConfigSchema: { type: 'object', properties: {} },
    featureFlagSchema: { type: 'object', properties: {} },
    limitsSchema: { type: 'object', properties: {} },
  },
};

/** An organization, an environment and a schema: every other row belongs to them. */
export interface Shop {
  organization: Organization;
  environment: Environment;
  schema: StoredSchema;
}

/** Inserts a {@link Shop}. */
export async function insertShop(storage: StorageOperations): Promise<Shop> {
  const organization = { id: randomUUID(), name: 'Shop', createdAt: at() };
  const environment = environmentRow(organization, { name: 'development' });
  const schema = schemaRow(organization, {});
  await storage.insertOrganization(organization);
  await storage.insertEnvironment(environment);
  await storage.insertSchema(schema);
  return { organization, environment, schema };
}

/** An environment to insert; `fields` override the defaults. */
export function environmentRow(organization: Organization, fields: Partial<Environment>): Environment {
  return {
    id: randomUUID(),
    organizationId: organization.id,
    name: 'staging',
    description: null,
    fallbackEnvironmentId: null,
    revision: 0,
    createdAt: at(),
    updatedAt: at(),
    ...fields,
  };
}

/** A schema to insert; `fields` override the defaults. */
export function schemaRow(organization: Organization, fields: Partial<StoredSchema>): StoredSchema {
  return {
    id: randomUUID(),
    organizationId: organization.id,
    name: 'shop',
    description: null,
    currentVersion: 1,
    jsonSchema: EMPTY_SCHEMA,
    createdBy: 'someone',
    createdAt: at(),
    updatedAt: at(),
    ...fields,
  };
}

/** A value to insert; `fields` override the defaults. */
export function valueRow(shop: Shop, fields: Partial<StoredValue>): StoredValue {
  return {
    id: randomUUID(),
    organizationId: shop.organization.id,
    schemaId: shop.schema.id,
    environmentId: shop.environment.id,
    key: 'apiBaseUrl',
    value: 'https://example.test',
    tier: 'public',
    updatedBy: 'someone',
    createdAt: at(),
    updatedAt: at(),
    ...fields,
  };
}

/** A segment to insert; `fields` override the defaults. */
export function segmentRow(shop: Shop, fields: Partial<StoredSegment>): StoredSegment {
  return {
    organizationId: shop.organization.id,
    environmentId: shop.environment.id,
    name: 'insiders',
    condition: { attribute: 'email', op: 'endsWith', values: ['@example.test'] },
    description: null,
    updatedBy: 'someone',
    createdAt: at(),
    updatedAt: at(),
    ...fields,
  };
}

/** An API client to insert; `fields` override the defaults. */
export function authClientRow(shop: Shop, fields: Partial<AuthClient>): AuthClient {
  return {
    id: randomUUID(),
    organizationId: shop.organization.id,
    type: 'm2m',
    name: 'api',
    credentialHash: randomUUID(),
    environments: null,
    scopes: ['config:read'],
    allowedOrigins: [],
    createdAt: at(),
    revokedAt: null,
    ...fields,
  };
}
