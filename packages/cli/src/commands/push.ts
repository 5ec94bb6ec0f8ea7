import { type AnyConfig, toJsonSchema } from '@smooai/config';
import type { ConfigApi } from '@smooai/config/server';
import { ask, canAsk, NEEDS_YES } from '../confirm.ts';
import { CliError, UsageError } from '../errors.ts';
import type { CommandContext } from '../program/command-context.ts';
import { loadSchema } from '../schema/load-schema.ts';
import { findPortabilityIssues } from '../schema/portable-check.ts';
import { invalidLines, lostLines, makePushPlan, type PushPlan, planLines } from '../schema/push-plan.ts';
import { hasChanges } from '../schema/schema-diff.ts';
import { schemaDiffData } from '../schema/schema-diff-text.ts';

export interface PushOptions {
  /** The schema's name on the server. Default: the name in the nearest package.json. */
  name?: string;
  /** Does not ask. */
  yes?: boolean;
  /** Shows what would change, without changing it. */
  dryRun?: boolean;
  /** Pushes even if stored values become invalid or are deleted. */
  force?: boolean;
  /** Refuses a schema that not all of the platform's SDKs understand. */
  portable?: boolean;
  /** A description of the new version. */
  message?: string;
}

/** `push SCHEMA.ts`: shows what changes, then makes the file the schema's next version. */
export async function runPush(context: CommandContext, file: string, options: PushOptions): Promise<void> {
  const local = await loadSchema(file, context.io);
  if (options.portable === true) requirePortable(local.config);
  const { api } = await context.connect();
  const plan = await makePushPlan(api, local, options.name ?? local.defaultName);
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
  if (!isJson) context.print(planLines(plan, context.colors).join('\n'), undefined);
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

function requirePortable(config: AnyConfig): void {
  const issues = findPortabilityIssues(toJsonSchema(config));
  if (issues.length === 0) return;
  const lines = issues.map(({ path, message, suggestion }) => `  ${path}: ${message}. ${suggestion}`);
  throw new CliError(
    `Not all SDKs of the platform understand this schema:\n${lines.join('\n')}\nNothing was pushed. Change these parts, or push without --portable if only TypeScript reads the schema.`,
    { issues },
  );
}

/** Refuses before anything is sent, so that `--dry-run` reports it too. */
function refuseForeignKeys({ name, foreign }: PushPlan): void {
  const [first] = foreign;
  if (first === undefined) return;
  const list = foreign.map(({ fullName, schemaName }) => `  ${fullName} (schema "${schemaName}")`);
  throw new CliError(
    `Other schemas of the organization already have these keys, and a key belongs to one schema only:\n${list.join('\n')}\nNothing was pushed. If "${name}" is meant to be that schema, push with --name ${JSON.stringify(first.schemaName)}. Otherwise rename the keys here, or remove them from the other schema first.`,
  );
}

/** The server would refuse some of this too, but the schema file has checks that JSON Schema cannot express. */
function refuseLoss(plan: PushPlan, options: PushOptions): void {
  if (options.force === true) return;
  if (plan.invalid.length > 0) {
    throw new CliError(
      `The new schema rejects stored values:\n${invalidLines(plan).join('\n')}\nNothing was pushed. Change these values first, or use --force to leave them invalid.`,
    );
  }
  if (plan.lost.length > 0) {
    throw new CliError(
      `The new schema no longer has the keys of stored values:\n${lostLines(plan).join('\n')}\nNothing was pushed. Keep these keys, or use --force to delete the values.`,
    );
  }
}

/** Without a terminal, a push that only adds or changes keys needs no confirmation. One that removes keys needs `--yes`. */
async function isConfirmed(context: CommandContext, plan: PushPlan, options: PushOptions): Promise<boolean> {
  if (options.yes === true) return true;
  const removes = plan.diff.removed.length + plan.lost.length + plan.invalid.length > 0;
  if (canAsk(context.io)) return ask(context.io, removes ? 'Push and remove what is listed' : 'Push');
  if (!removes) return true;
  const names = plan.diff.removed.map((key) => key.fullName).join(', ');
  throw new UsageError(`This push removes ${names === '' ? 'stored values' : names}. ${NEEDS_YES}`);
}

async function send(api: ConfigApi, plan: PushPlan, options: PushOptions): Promise<number> {
  const { existing, jsonSchema, name } = plan;
  if (existing === undefined) return (await api.createSchema({ name, jsonSchema })).currentVersion;
  const { version } = await api.pushSchema(existing.id, {
    jsonSchema,
    ...(options.message !== undefined && { changeDescription: options.message }),
    ...(options.force === true && { force: true }),
  });
  return version;
}
