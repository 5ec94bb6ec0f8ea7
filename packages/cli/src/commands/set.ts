import { resolve } from 'node:path';
import type { JsonValue } from '@smooai/config';
import { type CatalogKey, findEnvironment, findKey, readCatalog } from '../catalog.ts';
import { readAll } from '../cli-io.ts';
import type { CommandContext } from '../command-context.ts';
import { readJsonFile } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { MASK, sameJson, shortText } from '../format.ts';
import { parseValueText } from '../parse-value.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';

/** Where the value of a `set` comes from. */
export interface SetOptions {
  /** Reads it from standard input, so that it stays out of the shell's history. */
  stdin?: boolean;
  /** Reads its JSON from a file. */
  file?: string;
}

/** `set KEY VALUE`: stores the value of one key in an environment, and shows what it was before. */
export async function runSet(
  context: CommandContext,
  input: { name: string; text: string | undefined; options: SetOptions },
): Promise<void> {
  const { name, text, options } = input;
  if ([text !== undefined, options.stdin === true, options.file !== undefined].filter(Boolean).length !== 1) {
    throw new UsageError('Give the value in exactly one way: VALUE, --stdin or --file FILE.');
  }
  const { api, settings } = await context.connect();
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environment = await findEnvironment(api, settings.environment);
  const value = await readValue(context, { key, text, options });
  if (key.tier === 'secret' && text !== undefined) {
    context.note('warning: a secret on the command line stays in the shell history. Use --stdin instead.');
  }
  const stored = (await readStoredValues(api, environment.name, catalog)).get(key);
  await api.setValue({
    schemaId: key.schemaId,
    environmentId: environment.id,
    key: key.key,
    value,
    tier: key.tier,
  });
  report(context, { key, environment: environment.name, stored, value });
}

async function readValue(
  context: CommandContext,
  input: { key: CatalogKey; text: string | undefined; options: SetOptions },
): Promise<JsonValue> {
  const { key, text, options } = input;
  if (options.file !== undefined) {
    const path = resolve(context.io.cwd, options.file);
    return (await readJsonFile(path, `--file ${options.file}`)) as JsonValue;
  }
  if (text !== undefined) return parseValueText(text, key);
  const typed = (await readAll(context.io.stdin)).replace(/\r?\n$/, '');
  if (typed === '')
    throw new UsageError(
      'Standard input is empty. Pipe the value into it: … | smooai-config set KEY --stdin',
    );
  return parseValueText(typed, key);
}

function report(
  context: CommandContext,
  change: { key: CatalogKey; environment: string; stored: JsonValue | undefined; value: JsonValue },
): void {
  const { key, environment, stored, value } = change;
  const { colors } = context;
  const showSecrets = context.options.showSecrets === true;
  const fallback = defaultOf(key);
  const show = (shown: JsonValue): string => shortText(shown, key.tier, showSecrets);
  const before =
    stored !== undefined ? show(stored) : fallback !== undefined ? `${show(fallback)} (default)` : 'not set';
  const isSame = stored !== undefined && sameJson(stored, value);
  const title = `${colors.bold(key.fullName)} ${colors.dim(`(${environment})`)}`;
  const line = isSame
    ? `${title}: ${show(value)} ${colors.dim('(unchanged)')}`
    : `${title}: ${colors.dim(before)} → ${colors.green(show(value))}`;
  const isMasked = key.tier === 'secret' && !showSecrets;
  const mask = (shown: JsonValue | undefined): JsonValue =>
    shown === undefined ? null : isMasked ? MASK : shown;
  context.print(line, {
    key: key.fullName,
    environment,
    before: mask(stored),
    after: mask(value),
    changed: !isSame,
    ...(isMasked && { masked: true }),
  });
}
