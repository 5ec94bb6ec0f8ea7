import type { JsonSchema } from '@smooai/config';
import type { CatalogKey } from '../catalog.ts';
import { sameJson } from '../json.ts';
import { valueText } from '../text/value-text.ts';

/** The differences between two versions of a schema. */
export interface SchemaDiff {
  added: CatalogKey[];
  removed: CatalogKey[];
  changed: { before: CatalogKey; after: CatalogKey }[];
}

/** Compares the keys of two versions of a schema. A key that moves to another tier counts as changed. */
export function diffSchemaKeys(before: readonly CatalogKey[], after: readonly CatalogKey[]): SchemaDiff {
  const old = new Map(before.map((entry) => [entry.key, entry]));
  const next = new Map(after.map((entry) => [entry.key, entry]));
  return {
    added: after.filter((entry) => !old.has(entry.key)),
    removed: before.filter((entry) => !next.has(entry.key)),
    changed: after.flatMap((entry) => {
      const previous = old.get(entry.key);
      if (previous === undefined) return [];
      const isSame = previous.tier === entry.tier && sameJson(previous.jsonSchema, entry.jsonSchema);
      return isSame ? [] : [{ before: previous, after: entry }];
    }),
  };
}

/** Whether there are any differences. */
export function hasChanges(diff: SchemaDiff): boolean {
  return diff.added.length + diff.removed.length + diff.changed.length > 0;
}

/**
 * Describes a key's JSON Schema briefly: `string (uri), default "x"`. With `patterns`, it includes the pattern of a named
 * format.
 */
export function describeSchema(
  schema: JsonSchema,
  { patterns = false }: { patterns?: boolean } = {},
): string {
  const words = [typeText(schema)];
  const bounds = (['minimum', 'maximum', 'multipleOf', 'minLength', 'maxLength', 'pattern'] as const)
    .filter((keyword) => schema[keyword] !== undefined)
    // The name of a format already says what its pattern means.
    .filter((keyword) => keyword !== 'pattern' || patterns || formatOf(schema) === undefined)
    // The bounds of all safe integers tell a reader nothing.
    .filter((keyword) => Math.abs(Number(schema[keyword])) !== Number.MAX_SAFE_INTEGER)
    .map((keyword) => `${keyword} ${JSON.stringify(schema[keyword])}`);
  words.push(...bounds);
  if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
  return words.join(', ');
}

function typeText(schema: JsonSchema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((choice) => JSON.stringify(choice)).join(' | ');
  const type = Array.isArray(schema.type) ? schema.type.map(valueText).join(' | ') : schema.type;
  const name = typeof type === 'string' ? type : 'any';
  const format = formatOf(schema);
  return format === undefined ? name : `${name} (${format})`;
}

/** `x-format` is the name of a format whose pattern is written out next to it. */
function formatOf(schema: JsonSchema): string | undefined {
  const format = schema.format ?? schema['x-format'];
  return typeof format === 'string' ? format : undefined;
}
