import type { JsonSchema } from '@smooai/config';
import type { CatalogKey } from './catalog.ts';
import { sameJson, valueText } from './format.ts';

/** What a push does to the keys of a schema. */
export interface SchemaDiff {
  added: CatalogKey[];
  removed: CatalogKey[];
  changed: { before: CatalogKey; after: CatalogKey }[];
}

/** The keys that differ between two states of a schema. A key that moves to another tier has changed. */
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

/** Whether there is anything in it. */
export function hasChanges(diff: SchemaDiff): boolean {
  return diff.added.length + diff.removed.length + diff.changed.length > 0;
}

/** A key's JSON Schema in a few words: `string (uri), default "x"`; with `patterns`, also of a format that has a name. */
export function describeSchema(
  schema: JsonSchema,
  { patterns = false }: { patterns?: boolean } = {},
): string {
  const words = [typeText(schema)];
  const bounds = (['minimum', 'maximum', 'multipleOf', 'minLength', 'maxLength', 'pattern'] as const)
    .filter((keyword) => schema[keyword] !== undefined)
    // A format says what its pattern spells out.
    .filter((keyword) => keyword !== 'pattern' || patterns || formatOf(schema) === undefined)
    // A safe integer's bounds say nothing to a reader.
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

/** `x-format` names what a pattern beside it spells out. */
function formatOf(schema: JsonSchema): string | undefined {
  const format = schema.format ?? schema['x-format'];
  return typeof format === 'string' ? format : undefined;
}
