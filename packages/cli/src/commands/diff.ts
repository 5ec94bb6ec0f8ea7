import { type JsonValue, tierNames, toJsonSchema } from '@smooai/config';
import { findEnvironment, readCatalog, schemaKeys } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT, UsageError } from '../errors.ts';
import { MASK, sameJson, shortText } from '../format.ts';
import { loadSchema } from '../load-schema.ts';
import { diffSchemaKeys, hasChanges } from '../schema-diff.ts';
import { schemaDiffData, schemaDiffLines } from '../schema-diff-text.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';

/** What a `diff` compares. */
export interface DiffOptions {
  /** The schema's name on the server; default the name in the nearest package.json. */
  name?: string;
  from?: string;
  to?: string;
  /** Ends with code 1 where there are differences. */
  exitCode?: boolean;
}

/** `diff SCHEMA.ts` or `diff --from ENV --to ENV`; answers the exit code. */
export async function runDiff(
  context: CommandContext,
  file: string | undefined,
  options: DiffOptions,
): Promise<number> {
  const { from, to } = options;
  const areValues = from !== undefined || to !== undefined;
  if (areValues && file !== undefined) {
    throw new UsageError('Compare either a schema file with the server, or --from ENV with --to ENV.');
  }
  if (areValues && (from === undefined || to === undefined)) {
    throw new UsageError(
      `${from === undefined ? '--from' : '--to'} is missing: give --from ENV and --to ENV.`,
    );
  }
  if (!areValues && file === undefined) {
    throw new UsageError('Give a schema file to compare with the server, or --from ENV and --to ENV.');
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
  isSecret: boolean;
}

async function diffEnvironments(context: CommandContext, from: string, to: string): Promise<boolean> {
  const { api } = await context.connect();
  const catalog = await readCatalog(api);
  const [left, right] = [await findEnvironment(api, from), await findEnvironment(api, to)];
  const differences = compare(
    await readStoredValues(api, left.name, catalog),
    await readStoredValues(api, right.name, catalog),
  );
  const showSecrets = context.options.showSecrets === true;
  const show = (value: JsonValue | undefined, isSecret: boolean): string =>
    value === undefined ? 'not set' : shortText(value, isSecret ? 'secret' : 'public', showSecrets);
  const { colors } = context;
  const lines = differences.map(({ key, from: before, to: after, isSecret }) => {
    const sign =
      before === undefined ? colors.green('+') : after === undefined ? colors.red('-') : colors.yellow('~');
    return `${sign} ${key}: ${show(before, isSecret)} → ${show(after, isSecret)}`;
  });
  const mask = (value: JsonValue | undefined, isSecret: boolean): JsonValue =>
    value === undefined ? null : isSecret && !showSecrets ? MASK : value;
  context.print(
    lines.length === 0
      ? `"${from}" and "${to}" hold the same values.`
      : [`${from} → ${to}`, ...lines].join('\n'),
    {
      from,
      to,
      differences: differences.map(({ key, from: before, to: after, isSecret }) => ({
        key,
        from: mask(before, isSecret),
        to: mask(after, isSecret),
        ...(isSecret && !showSecrets && { masked: true }),
      })),
    },
  );
  return differences.length > 0;
}

function compare(left: StoredValues, right: StoredValues): ValueDifference[] {
  const all = new Map(
    [...left.entries(), ...right.entries()].map((entry) => [`${entry.tier}.${entry.key}`, entry]),
  );
  return [...all.values()]
    .map((entry) => ({
      key: `${tierNames(entry.tier).group}.${entry.key}`,
      from: left.get(entry),
      to: right.get(entry),
      isSecret: entry.tier === 'secret',
    }))
    .filter(({ from, to }) => !sameJson(from, to));
}
