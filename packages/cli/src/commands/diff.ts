import { type JsonValue, tierNames, toJsonSchema } from '@smooai/config';
import { type CatalogKey, readCatalog, schemaKeys } from '../catalog.ts';
import { pickEnvironment } from '../environments.ts';
import { EXIT, UsageError } from '../errors.ts';
import { sameJson } from '../json.ts';
import type { CommandContext } from '../program/command-context.ts';
import { loadSchema } from '../schema/load-schema.ts';
import { diffSchemaKeys, hasChanges } from '../schema/schema-diff.ts';
import { schemaDiffData, schemaDiffLines } from '../schema/schema-diff-text.ts';
import { defaultOf, readStoredValues, type StoredValues } from '../stored-values.ts';
import type { Colors } from '../text/colors.ts';
import { originText, type ValueDisplay, valueDisplay } from '../text/value-display.ts';

export interface DiffOptions {
  /** The schema's name on the server. Default: the name in the nearest package.json. */
  name?: string;
  from?: string;
  to?: string;
  /** Exits with code 1 if there are differences. */
  exitCode?: boolean;
}

/** `diff SCHEMA.ts` or `diff --from ENV --to ENV`: prints the differences. Returns the exit code. */
export async function runDiff(
  context: CommandContext,
  file: string | undefined,
  options: DiffOptions,
): Promise<number> {
  const { from, to } = options;
  const areValues = from !== undefined || to !== undefined;
  if (areValues && file !== undefined) {
    throw new UsageError('Pass either a schema file, or --from ENV and --to ENV, but not both.');
  }
  if (areValues && (from === undefined || to === undefined)) {
    throw new UsageError(
      `${from === undefined ? '--from' : '--to'} is missing: pass both --from ENV and --to ENV.`,
    );
  }
  if (!areValues && file === undefined) {
    throw new UsageError('Pass a schema file to compare with the server, or --from ENV and --to ENV.');
  }
  const differs =
    from !== undefined && to !== undefined
      ? await diffEnvironments(context, from, to)
      : await diffSchema(context, file ?? '', options);
  return differs && options.exitCode === true ? EXIT.failure : EXIT.ok;
}

async function diffSchema(context: CommandContext, file: string, options: DiffOptions): Promise<boolean> {
  const { config, defaultName } = await loadSchema(file, context.io);
  const name = options.name ?? defaultName;
  const jsonSchema = toJsonSchema(config);
  const { api } = await context.connect();
  const schema = (await api.listSchemas()).find((candidate) => candidate.name === name);
  const before = schema === undefined ? [] : schemaKeys(schema);
  const diff = diffSchemaKeys(before, schemaKeys({ id: schema?.id ?? '', name, jsonSchema }));
  const title = schema === undefined ? `Schema "${name}" is not on the server yet.` : `Schema "${name}":`;
  const text = hasChanges(diff)
    ? [title, ...schemaDiffLines(diff, context.colors)].join('\n')
    : `Schema "${name}" is the same here and on the server.`;
  context.print(text, { schema: name, onServer: schema !== undefined, ...schemaDiffData(diff) });
  return hasChanges(diff);
}

interface ValueDifference {
  key: string;
  from: JsonValue | undefined;
  to: JsonValue | undefined;
  /** What an environment without a stored value serves. */
  defaultValue: JsonValue | undefined;
  display: ValueDisplay;
}

async function diffEnvironments(context: CommandContext, from: string, to: string): Promise<boolean> {
  const { api } = await context.connect();
  const catalog = await readCatalog(api);
  const environments = await api.listEnvironments();
  const [left, right] = [pickEnvironment(environments, from), pickEnvironment(environments, to)];
  const differences = compare(
    await readStoredValues(api, left.name, catalog),
    await readStoredValues(api, right.name, catalog),
    { catalog, showSecrets: context.options.showSecrets },
  );
  const text =
    differences.length === 0
      ? `"${from}" and "${to}" have the same values.`
      : [`${from} → ${to}`, ...differences.map((entry) => differenceLine(entry, context.colors))].join('\n');
  context.print(text, {
    from,
    to,
    differences: differences.map(({ key, from: before, to: after, display }) => ({
      key,
      from: display.json(before),
      to: display.json(after),
      ...display.jsonFlags,
    })),
  });
  return differences.length > 0;
}

function differenceLine(difference: ValueDifference, colors: Colors): string {
  const { key, from, to } = difference;
  const sign =
    from === undefined ? colors.green('+') : to === undefined ? colors.red('-') : colors.yellow('~');
  return `${sign} ${key}: ${servedText(difference, from)} → ${servedText(difference, to)}`;
}

function servedText({ defaultValue, display }: ValueDifference, stored: JsonValue | undefined): string {
  const origin = stored === undefined && defaultValue !== undefined ? 'default' : 'stored';
  return display.text(stored ?? defaultValue, 'not set') + originText(origin, undefined);
}

function compare(
  left: StoredValues,
  right: StoredValues,
  options: { catalog: readonly CatalogKey[]; showSecrets?: boolean | undefined },
): ValueDifference[] {
  const defaults = new Map(options.catalog.map((key) => [`${key.tier}.${key.key}`, defaultOf(key)]));
  const all = new Map(
    [...left.entries(), ...right.entries()].map((entry) => [`${entry.tier}.${entry.key}`, entry]),
  );
  return [...all]
    .map(([name, entry]) => ({
      key: `${tierNames(entry.tier).group}.${entry.key}`,
      from: left.get(entry),
      to: right.get(entry),
      defaultValue: defaults.get(name),
      display: valueDisplay(entry.tier, options),
    }))
    .filter(({ from, to }) => !sameJson(from, to));
}
