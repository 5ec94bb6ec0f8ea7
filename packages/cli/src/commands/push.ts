import { toJsonSchema, type WireSchema } from '@smooai/config';
import type { ApiSchema, ConfigApi } from '@smooai/config/server';
import { type CatalogKey, schemaKeys } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { ask, canAsk } from '../confirm.ts';
import { CliError, UsageError } from '../errors.ts';
import { findInvalidValues, type InvalidValue } from '../invalid-values.ts';
import { type LocalSchema, loadSchema } from '../load-schema.ts';
import { diffSchemaKeys, hasChanges, type SchemaDiff } from '../schema-diff.ts';
import { schemaDiffData, schemaDiffLines } from '../schema-diff-text.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';

/** How a `push` is done. */
export interface PushOptions {
  /** The schema's name on the server; default the name in the nearest package.json. */
  name?: string;
  /** Asks nothing. */
  yes?: boolean;
  /** Shows what it would do, and does nothing. */
  dryRun?: boolean;
  /** Pushes though stored values become invalid. */
  force?: boolean;
  /** A line that the version is remembered by. */
  message?: string;
}

interface Plan {
  name: string;
  jsonSchema: WireSchema;
  existing: ApiSchema | undefined;
  diff: SchemaDiff;
  /** Stored values that the new schema refuses. */
  invalid: InvalidValue[];
  /** Keys that another schema has, which the server would not take. */
  foreign: CatalogKey[];
  /** Stored values that have no place in the new schema: their key is gone, or is in another tier. */
  lost: { fullName: string; environments: string[] }[];
}

/** `push SCHEMA.ts`: shows what it changes, then makes it the schema's next version. */
export async function runPush(context: CommandContext, file: string, options: PushOptions): Promise<void> {
  const local = await loadSchema(file, context.io);
  const { api } = await context.connect();
  const plan = await makePlan(api, local, options);
  const data = {
    schema: plan.name,
    version: plan.existing?.currentVersion ?? null,
    ...schemaDiffData(plan.diff),
    invalid: plan.invalid,
    lost: plan.lost,
  };
  const isJson = context.options.json === true;
  if (plan.existing !== undefined && !hasChanges(plan.diff)) {
    context.print(`Schema "${plan.name}" is up to date at version ${plan.existing.currentVersion}.`, {
      ...data,
      pushed: false,
    });
    return;
  }
  if (!isJson) context.print(planLines(plan, context).join('\n'), undefined);
  refuseForeignKeys(plan);
  refuseLoss(plan, options);
  if (options.dryRun === true) {
    context.print('Nothing was pushed (--dry-run).', { ...data, pushed: false });
    return;
  }
  if (!(await isConfirmed(context, plan, options))) throw new CliError('Nothing was pushed.');
  const version = await send(api, plan, options);
  const done = `Pushed schema "${plan.name}", version ${version}.`;
  context.print(context.colors.green(done), { ...data, version, pushed: true });
}

async function makePlan(api: ConfigApi, local: LocalSchema, options: PushOptions): Promise<Plan> {
  const name = options.name ?? local.defaultName;
  const jsonSchema = toJsonSchema(local.config);
  const schemas = await api.listSchemas();
  const existing = schemas.find((schema) => schema.name === name);
  const before = existing === undefined ? [] : schemaKeys(existing);
  const after = schemaKeys({ id: existing?.id ?? '', name, jsonSchema });
  const diff = diffSchemaKeys(before, after);
  const names = new Set(after.map(({ key }) => key));
  const foreign = schemas
    .filter((schema) => schema.name !== name)
    .flatMap(schemaKeys)
    .filter(({ key }) => names.has(key));
  const stored: StoredValues[] = [];
  if (existing !== undefined && hasChanges(diff)) {
    const catalog = schemas.flatMap(schemaKeys);
    for (const environment of await api.listEnvironments()) {
      stored.push(await readStoredValues(api, environment.name, catalog));
    }
  }
  const gone = [
    ...diff.removed,
    ...diff.changed.flatMap(({ before: old, after }) => (old.tier === after.tier ? [] : [old])),
  ];
  const lost = gone
    .map((key) => ({
      fullName: key.fullName,
      environments: stored
        .filter((values) => values.get(key) !== undefined)
        .map((values) => values.environment),
    }))
    .filter(({ environments }) => environments.length > 0);
  return {
    name,
    jsonSchema,
    existing,
    diff,
    foreign,
    invalid: findInvalidValues(local.config, stored),
    lost,
  };
}

function planLines(plan: Plan, { colors }: CommandContext): string[] {
  const title =
    plan.existing === undefined
      ? `Schema "${plan.name}" (new)`
      : `Schema "${plan.name}", version ${plan.existing.currentVersion} → ${plan.existing.currentVersion + 1}`;
  return [
    colors.bold(title),
    ...schemaDiffLines(plan.diff, colors),
    ...(plan.lost.length > 0 ? [colors.red('Stored values that would be deleted:'), ...lostLines(plan)] : []),
    ...(plan.invalid.length > 0
      ? [colors.red('Stored values that the new schema refuses:'), ...invalidLines(plan)]
      : []),
  ];
}

function lostLines(plan: Plan): string[] {
  return plan.lost.map(({ fullName, environments }) => `  ${fullName} (${environments.join(', ')})`);
}

function invalidLines(plan: Plan): string[] {
  return plan.invalid.map(
    ({ fullName, message, environments }) => `  ${fullName} (${environments.join(', ')}): ${message}`,
  );
}

/** Before anything is sent, so that `--dry-run` says it too. */
function refuseForeignKeys({ name, foreign }: Plan): void {
  const [first] = foreign;
  if (first === undefined) return;
  const list = foreign.map(({ fullName, schemaName }) => `  ${fullName} (schema "${schemaName}")`);
  throw new CliError(
    `Other schemas of the organization have these keys, and a key belongs to one schema:\n${list.join('\n')}\nNothing was pushed. Push with --name ${JSON.stringify(first.schemaName)} where "${name}" is meant to be that schema; else rename the keys here, or take them out of the other schema first.`,
  );
}

/** What the server would refuse too; the schema file knows more, as not every check has a place in JSON Schema. */
function refuseLoss(plan: Plan, options: PushOptions): void {
  if (options.force === true) return;
  if (plan.invalid.length > 0) {
    throw new CliError(
      `The new schema refuses stored values:\n${invalidLines(plan).join('\n')}\nNothing was pushed. Set these values first, or give --force to leave them invalid.`,
    );
  }
  if (plan.lost.length > 0) {
    throw new CliError(
      `The new schema has no place for stored values:\n${lostLines(plan).join('\n')}\nNothing was pushed. Keep these keys, or give --force to delete the values.`,
    );
  }
}

/** What only adds or widens needs no question where nobody can answer one; what takes away does. */
async function isConfirmed(context: CommandContext, plan: Plan, options: PushOptions): Promise<boolean> {
  if (options.yes === true) return true;
  const takesAway = plan.diff.removed.length + plan.lost.length + plan.invalid.length > 0;
  if (canAsk(context.io)) {
    return ask(context.io, `Push${takesAway ? ', and take away what is listed' : ''}`);
  }
  if (!takesAway) return true;
  const names = plan.diff.removed.map((key) => key.fullName).join(', ');
  const what = names === '' ? 'takes away stored values' : `removes ${names}`;
  throw new UsageError(`This push ${what}, and there is no terminal to ask on. Give --yes to do it.`);
}

async function send(api: ConfigApi, plan: Plan, options: PushOptions): Promise<number> {
  const { existing, jsonSchema, name } = plan;
  if (existing === undefined) return (await api.createSchema({ name, jsonSchema })).currentVersion;
  const { version } = await api.pushSchema(existing.id, {
    jsonSchema,
    ...(options.message !== undefined && { changeDescription: options.message }),
    ...(options.force === true && { force: true }),
  });
  return version;
}
