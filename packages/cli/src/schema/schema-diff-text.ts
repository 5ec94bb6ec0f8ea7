import { tierNames } from '@smooai/config';
import type { CatalogKey } from '../catalog.ts';
import type { Colors } from '../text/colors.ts';
import { describeSchema, type SchemaDiff } from './schema-diff.ts';

/** Describes the differences, one line per key: `+` added, `-` removed, `~` changed. */
export function schemaDiffLines(diff: SchemaDiff, colors: Colors): string[] {
  return [
    ...diff.added.map((key) => `${colors.green(`+ ${key.fullName}`)}  ${describeSchema(key.jsonSchema)}`),
    ...diff.removed.map((key) => `${colors.red(`- ${key.fullName}`)}  ${describeSchema(key.jsonSchema)}`),
    ...diff.changed.map(({ before, after }) => {
      const moved = before.tier === after.tier ? '' : ` (was a ${tierNames(before.tier).label})`;
      const [from, to] = [describeSchema(before.jsonSchema), describeSchema(after.jsonSchema)];
      // If only a pattern changed, the patterns must be shown.
      const patterns = from === to;
      const change = patterns
        ? `${describeSchema(before.jsonSchema, { patterns })} → ${describeSchema(after.jsonSchema, { patterns })}`
        : `${from} → ${to}`;
      return `${colors.yellow(`~ ${after.fullName}`)}${moved}  ${change}`;
    }),
  ];
}

/** The differences for `--json`. */
export function schemaDiffData(diff: SchemaDiff): { added: string[]; removed: string[]; changed: string[] } {
  const name = (key: CatalogKey): string => key.fullName;
  return {
    added: diff.added.map(name),
    removed: diff.removed.map(name),
    changed: diff.changed.map(({ after }) => name(after)),
  };
}
