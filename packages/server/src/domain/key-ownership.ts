import { isDeepStrictEqual } from 'node:util';
import { type JsonSchema, type SchemaDocument, schemaKeysOf, TIERS, type Tier } from '@smooai/config';
import { clip } from '../lib/clip.ts';
import type { StorageOperations, StoredSchema } from '../storage/storage.ts';
import { Refusal } from './refusal.ts';

/**
 * Keys that the platform's SDKs add to every schema. They belong to no schema, so that several schemas of an
 * organization may declare them, in the same way.
 */
const BUILT_IN_KEYS: ReadonlySet<string> = new Set(['ENV', 'CLOUD_PROVIDER', 'REGION', 'IS_LOCAL']);

interface Declaration {
  tier: Tier;
  schema: JsonSchema;
}

/**
 * A key belongs to one schema of an organization.
 * @throws {Refusal} `conflict` for keys of other schemas, and for a built-in key that another schema declares differently
 */
export function refuseKeysOfOtherSchemas(document: SchemaDocument, others: readonly StoredSchema[]): void {
  const own = declarationsOf(document);
  for (const other of others) {
    const taken: string[] = [];
    for (const [key, declaration] of declarationsOf(other.jsonSchema)) {
      const mine = own.get(key);
      if (mine === undefined) continue;
      if (!BUILT_IN_KEYS.has(key)) taken.push(key);
      else if (!isDeepStrictEqual(mine, declaration)) throw builtInConflict(key, other);
    }
    if (taken.length > 0) throw takenConflict(taken, other);
  }
}

/**
 * Before a schema loses keys: the values of built-in keys stay, with another schema that declares the key.
 * @param keys what the schema still declares
 */
export async function keepBuiltInValues(
  operations: StorageOperations,
  schemaId: string,
  { keys, others }: { keys: ReadonlySet<string>; others: readonly StoredSchema[] },
): Promise<void> {
  for (const stored of await operations.listSchemaValues(schemaId)) {
    if (!BUILT_IN_KEYS.has(stored.key) || keys.has(stored.key)) continue;
    const heir = others.find(
      ({ jsonSchema }) => declarationsOf(jsonSchema).get(stored.key)?.tier === stored.tier,
    );
    if (heir !== undefined) await operations.upsertValue({ ...stored, schemaId: heir.id });
  }
}

function declarationsOf(document: SchemaDocument): Map<string, Declaration> {
  const declarations = new Map<string, Declaration>();
  for (const names of TIERS) {
    for (const [key, schema] of Object.entries(schemaKeysOf(document, names))) {
      declarations.set(key, { tier: names.tier, schema });
    }
  }
  return declarations;
}

function builtInConflict(key: string, other: StoredSchema): Refusal {
  return new Refusal(
    'conflict',
    `Field "jsonSchema": the built-in key "${key}" is declared differently in the schema "${clip(other.name)}". ` +
      'Use the same tier and JSON Schema in both.',
    { fields: { keys: [key], schemaId: other.id } },
  );
}

function takenConflict(taken: readonly string[], other: StoredSchema): Refusal {
  const isOne = taken.length === 1;
  const keyList = taken.slice(0, 20).map((key) => `"${clip(key)}"`);
  const owner = clip(other.name);
  return new Refusal(
    'conflict',
    `Field "jsonSchema": ${keyList.join(', ')} ${isOne ? 'belongs' : 'belong'} to the schema "${owner}". ` +
      `Push under the name "${owner}" to update that schema. Otherwise rename the ${isOne ? 'key' : 'keys'}, ` +
      `or remove ${isOne ? 'it' : 'them'} from that schema first.`,
    { fields: { keys: taken, schemaId: other.id } },
  );
}
