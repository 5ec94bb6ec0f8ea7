import { type JsonSchema, schemaKeysOf, TIERS, type Tier, type TierNames, tierNames } from '@smooai/config';
import type { ApiSchema, ConfigApi } from '@smooai/config/server';
import { UsageError } from './errors.ts';
import { didYouMean } from './text/did-you-mean.ts';

/** A key that a schema on the server declares. */
export interface CatalogKey {
  key: string;
  /** With its tier: `flags.newCheckout`. */
  fullName: string;
  tier: Tier;
  schemaId: string;
  schemaName: string;
  jsonSchema: JsonSchema;
}

/** Reads every key of the organization, ordered by schema and tier. */
export async function readCatalog(api: ConfigApi): Promise<CatalogKey[]> {
  return (await api.listSchemas()).flatMap(schemaKeys);
}

/** Returns every key of one schema, ordered by tier. */
export function schemaKeys(schema: Pick<ApiSchema, 'id' | 'name' | 'jsonSchema'>): CatalogKey[] {
  return TIERS.flatMap((names) => {
    const { tier, group } = names;
    return Object.entries(schemaKeysOf(schema.jsonSchema, names)).map(([key, jsonSchema]) => ({
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
 * Returns the key with this name: `flags.newCheckout`, or `newCheckout` if only one key is called that.
 *
 * @throws {UsageError} for an unknown key, with the most similar one, and for a bare key that several schemas have.
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
    throw new UsageError(`"${name}" is ambiguous: ${names.join(' or ')}. Use the name with its tier.`);
  }
  throw new UsageError(unknownKeyMessage(catalog, name));
}

function unknownKeyMessage(catalog: readonly CatalogKey[], name: string): string {
  const { group, key } = splitName(name);
  const fullNames = catalog.map((entry) => entry.fullName);
  if (name.includes('.') && group === undefined) {
    const groups = TIERS.map((names) => `${names.group}.`).join(', ');
    return `Unknown key "${name}": a name starts with ${groups}, or is the bare key.${didYouMean(name, fullNames)}`;
  }
  const sameKey = catalog.find((entry) => entry.key === key);
  if (sameKey !== undefined) {
    return `"${key}" is a ${tierNames(sameKey.tier).label}. Use its name: ${sameKey.fullName}.`;
  }
  const candidates = group === undefined ? catalog.map((entry) => entry.key) : fullNames;
  return `Unknown key "${name}".${didYouMean(name, candidates)} Run "smooai-config list" to see all keys.`;
}

function splitName(name: string): { group: TierNames['group'] | undefined; key: string } {
  const [prefix = '', ...rest] = name.split('.');
  const names = TIERS.find((entry) => entry.group === prefix);
  return names === undefined ? { group: undefined, key: name } : { group: names.group, key: rest.join('.') };
}
