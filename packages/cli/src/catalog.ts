import { type JsonSchema, TIERS, type Tier, type TierNames, tierNames } from '@smooai/config';
import type { ApiEnvironment, ApiSchema, ConfigApi } from '@smooai/config/server';
import { didYouMean } from './did-you-mean.ts';
import { UsageError } from './errors.ts';

/** A key that a schema on the server declares. */
export interface CatalogKey {
  key: string;
  /** `flags.newCheckout`. */
  fullName: string;
  tier: Tier;
  schemaId: string;
  schemaName: string;
  jsonSchema: JsonSchema;
}

/** Every key of the organization, in the order of its schemas and tiers. */
export async function readCatalog(api: ConfigApi): Promise<CatalogKey[]> {
  return (await api.listSchemas()).flatMap(schemaKeys);
}

/** Every key of one schema, by tier. */
export function schemaKeys(schema: Pick<ApiSchema, 'id' | 'name' | 'jsonSchema'>): CatalogKey[] {
  return TIERS.flatMap(({ tier, group, schema: property }) => {
    // The published contract lets a tier without keys be left out.
    const properties: Readonly<Record<string, JsonSchema>> =
      schema.jsonSchema?.properties?.[property]?.properties ?? {};
    return Object.entries(properties).map(([key, jsonSchema]) => ({
      key,
      fullName: `${group}.${key}`,
      tier,
      schemaId: schema.id,
      schemaName: schema.name,
      jsonSchema,
    }));
  });
}

/**
 * The key that `name` means: `flags.newCheckout`, or `newCheckout` where it means one key.
 *
 * @throws {UsageError} for an unknown key (with the one that may be meant) and for a bare key of two schemas.
 */
export function findKey(catalog: readonly CatalogKey[], name: string): CatalogKey {
  if (catalog.length === 0) {
    throw new UsageError('The organization has no schema yet. Push one first: smooai-config push SCHEMA.ts');
  }
  const matches = catalog.filter((entry) => entry.fullName === name || entry.key === name);
  const [match, other] = matches;
  if (match !== undefined && other === undefined) return match;
  if (match !== undefined) {
    const names = matches.map((entry) => `${entry.fullName} of schema "${entry.schemaName}"`);
    throw new UsageError(`"${name}" may be ${names.join(' or ')}. Give the name with its tier.`);
  }
  const { group, key } = splitName(name);
  if (name.includes('.') && group === undefined) {
    throw new UsageError(
      `"${name}" is no key: a name starts with ${TIERS.map((names) => `${names.group}.`).join(', ')} or is the bare key.${didYouMean(
        name,
        catalog.map((entry) => entry.fullName),
      )}`,
    );
  }
  const sameKey = catalog.find((entry) => entry.key === key);
  if (sameKey !== undefined) {
    const article = tierNames(sameKey.tier).label;
    throw new UsageError(`"${key}" is a ${article}: its name is ${sameKey.fullName}.`);
  }
  const candidates = catalog.map((entry) => (group === undefined ? entry.key : entry.fullName));
  throw new UsageError(
    `There is no key "${name}".${didYouMean(name, candidates)} "smooai-config list" shows all keys.`,
  );
}

function splitName(name: string): { group: TierNames['group'] | undefined; key: string } {
  const [prefix = '', ...rest] = name.split('.');
  const names = TIERS.find((entry) => entry.group === prefix);
  return names === undefined ? { group: undefined, key: name } : { group: names.group, key: rest.join('.') };
}

/**
 * The environment of that name.
 *
 * @throws {UsageError} with the names that there are.
 */
export async function findEnvironment(api: ConfigApi, name: string): Promise<ApiEnvironment> {
  const environments = await api.listEnvironments();
  const match = environments.find((environment) => environment.name === name);
  if (match !== undefined) return match;
  const names = environments.map((environment) => environment.name);
  throw new UsageError(
    `There is no environment "${name}".${didYouMean(name, names)} There ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ') || 'none'}.`,
  );
}
