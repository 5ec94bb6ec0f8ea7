import {
  type JsonSchema,
  type JsonValue,
  type LimitDefinition,
  type SchemaDocument,
  schemaKeysOf,
  TIERS,
  type Tier,
} from '@smooai/config';
import type { SchemaVersion, StoredSchema } from '../../storage/storage.ts';
import { findKeywordIssue, withoutAnnotations } from './schema-keywords.ts';

/** One key of a schema. */
export interface SchemaKey {
  readonly key: string;
  readonly tier: Tier;
  /** Served when no value is stored; undefined if the schema has no default. */
  readonly defaultValue: JsonValue | undefined;
  /** The bounds, for a limit. */
  readonly limit: LimitDefinition | undefined;
  /** The schema as a validator gets it, as JSON; undefined if this server does not support it, and for a limit. */
  schemaText(): string | undefined;
}

/** The keys of one schema document. */
export type SchemaKeys = ReadonlyMap<string, SchemaKey>;

/** Reads the keys of a document that passed `checkSchemaDocument`. */
export function readSchemaKeys(document: SchemaDocument): SchemaKeys {
  const keys = new Map<string, SchemaKey>();
  for (const names of TIERS) {
    const { tier } = names;
    for (const [key, keySchema] of Object.entries(schemaKeysOf(document, names))) {
      keys.set(key, tier === 'limit' ? limitKey(key, keySchema) : valueKey(key, tier, keySchema));
    }
  }
  return keys;
}

/**
 * Caches the keys of each schema's current version. Only for committed schemas, whose version never changes content.
 */
export class SchemaKeysCache {
  readonly #entries = new Map<string, { version: number; organizationId: string; keys: SchemaKeys }>();

  of(schema: StoredSchema): SchemaKeys {
    const known = this.find(schema);
    if (known !== undefined) return known;
    const keys = readSchemaKeys(schema.jsonSchema);
    const { currentVersion: version, organizationId } = schema;
    this.#entries.set(schema.id, { version, organizationId, keys });
    return keys;
  }

  /** The keys of that version, if they are in memory. */
  find({ id, currentVersion }: Pick<SchemaVersion, 'id' | 'currentVersion'>): SchemaKeys | undefined {
    const entry = this.#entries.get(id);
    return entry?.version === currentVersion ? entry.keys : undefined;
  }

  /** The keys of the version that was read last, which may no longer be the current one. */
  recent(id: string, organizationId: string): SchemaKeys | undefined {
    const entry = this.#entries.get(id);
    return entry?.organizationId === organizationId ? entry.keys : undefined;
  }

  delete(schemaId: string): void {
    this.#entries.delete(schemaId);
  }
}

/** The limit of a `limitsSchema` property. */
export function readLimit(schema: JsonSchema): LimitDefinition {
  const { default: fallback, minimum, maximum, multipleOf } = schema;
  return {
    default: typeof fallback === 'number' ? fallback : Number.NaN,
    ...(typeof minimum === 'number' && { min: minimum }),
    ...(typeof maximum === 'number' && { max: maximum }),
    ...(typeof multipleOf === 'number' && { step: multipleOf }),
  };
}

function valueKey(key: string, tier: Tier, schema: JsonSchema): SchemaKey {
  let text: string | undefined;
  return {
    key,
    tier,
    defaultValue: Object.hasOwn(schema, 'default') ? schema.default : undefined,
    limit: undefined,
    schemaText: () => {
      // A schema that an older server has stored may have keywords that are refused today.
      text ??= findKeywordIssue(schema) === undefined ? JSON.stringify(withoutAnnotations(schema)) : '';
      return text === '' ? undefined : text;
    },
  };
}

function limitKey(key: string, schema: JsonSchema): SchemaKey {
  const limit = readLimit(schema);
  return { key, tier: 'limit', defaultValue: limit.default, limit, schemaText: () => undefined };
}
