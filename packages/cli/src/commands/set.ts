import { resolve } from 'node:path';
import type { JsonValue } from '@smooai/config';
import type { ApiEnvironment, ConfigApi, WriteCondition } from '@smooai/config/server';
import { type CatalogKey, findKey, readCatalog } from '../catalog.ts';
import { readAll } from '../cli-io.ts';
import { currentEnvironment, fallbackNames } from '../environments.ts';
import { UsageError } from '../errors.ts';
import { readJsonFile } from '../files.ts';
import { sameJson } from '../json.ts';
import { parseValueText } from '../parse-value.ts';
import type { CommandContext } from '../program/command-context.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';
import { originText, valueDisplay } from '../text/value-display.ts';
import { type ConditionOptions, conditionOf } from '../write-condition.ts';

export interface SetOptions extends ConditionOptions {
  /** Reads the value from standard input, which keeps it out of the shell history. */
  stdin?: boolean;
  /** Reads the value as JSON from this file. */
  file?: string;
}

interface Change {
  key: CatalogKey;
  environment: ApiEnvironment;
  /** The stored value that was served before. */
  before: JsonValue | undefined;
  /** The fallback that `before` came from; undefined if the environment stored it. */
  fallback: string | undefined;
  after: JsonValue;
}

/** `set KEY VALUE`: stores the value of one key in an environment and prints the value before. */
export async function runSet(
  context: CommandContext,
  input: { name: string; text: string | undefined; options: SetOptions },
): Promise<void> {
  const { name, text, options } = input;
  if ([text !== undefined, options.stdin === true, options.file !== undefined].filter(Boolean).length !== 1) {
    throw new UsageError('Pass the value in exactly one way: VALUE, --stdin or --file FILE.');
  }
  const connection = await context.connect();
  const { api } = connection;
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environments = await api.listEnvironments();
  const environment = await currentEnvironment(connection, environments);
  const after = await readValue(context, { key, text, options });
  if (key.tier === 'secret' && text !== undefined) {
    context.note('warning: a secret on the command line stays in the shell history. Use --stdin instead.');
  }
  const stored = await readStoredValues(api, environment.name, catalog);
  const before = stored.get(key);
  const condition = conditionOf(options, stored);
  const isNew = await storeValue(api, { key, environment, value: after, condition });
  const [fallback] = isNew && before !== undefined ? fallbackNames(environment, environments) : [];
  report(context, { key, environment, before, fallback, after });
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
  if (typed === '') {
    throw new UsageError(
      'Standard input is empty. Pipe the value into it: … | smooai-config set KEY --stdin',
    );
  }
  return parseValueText(typed, key);
}

/** Returns whether the environment had no value of its own before. */
async function storeValue(
  api: ConfigApi,
  input: { key: CatalogKey; environment: ApiEnvironment; value: JsonValue; condition: WriteCondition },
): Promise<boolean> {
  const { key, environment, value, condition } = input;
  const { createdAt, updatedAt } = await api.setValue(
    { schemaId: key.schemaId, environmentId: environment.id, key: key.key, value, tier: key.tier },
    condition,
  );
  return createdAt === updatedAt;
}

function report(context: CommandContext, change: Change): void {
  const { key, environment, before, fallback, after } = change;
  const { colors } = context;
  const display = valueDisplay(key.tier, context.options);
  const defaultValue = defaultOf(key);
  const origin = fallback !== undefined ? 'fallback' : before === undefined ? 'default' : 'stored';
  const shownBefore = display.text(before ?? defaultValue, 'not set');
  const originShown = before === undefined && defaultValue === undefined ? '' : originText(origin, fallback);
  const isSame = before !== undefined && fallback === undefined && sameJson(before, after);
  const title = `${colors.bold(key.fullName)} ${colors.dim(`(${environment.name})`)}`;
  const shownAfter = display.text(after, '');
  const line = isSame
    ? `${title}: ${shownAfter} ${colors.dim('(unchanged)')}`
    : `${title}: ${colors.dim(shownBefore + originShown)} → ${colors.green(shownAfter)}`;
  context.print(line, {
    key: key.fullName,
    environment: environment.name,
    before: display.json(before),
    after: display.json(after),
    changed: !isSame,
    ...display.jsonFlags,
  });
}
