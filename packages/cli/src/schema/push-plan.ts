import { toJsonSchema, type WireSchema } from '@smooai/config';
import type { ApiSchema, ConfigApi } from '@smooai/config/server';
import { type CatalogKey, schemaKeys } from '../catalog.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';
import type { Colors } from '../text/colors.ts';
import { findInvalidValues, type InvalidValue } from './invalid-values.ts';
import type { LocalSchema } from './load-schema.ts';
import { diffSchemaKeys, hasChanges, type SchemaDiff } from './schema-diff.ts';
import { schemaDiffLines } from './schema-diff-text.ts';

/** What a push would change. */
export interface PushPlan {
  name: string;
  jsonSchema: WireSchema;
  existing: ApiSchema | undefined;
  diff: SchemaDiff;
  /** Stored values that the new schema rejects. */
  invalid: InvalidValue[];
  /** Keys that another schema already has. The server would refuse them. */
  foreign: CatalogKey[];
  /** Stored values whose key is removed, or moved to another tier. */
  lost: { fullName: string; environments: string[] }[];
}

/** Compares a local schema with the server. Changes nothing. */
export async function makePushPlan(api: ConfigApi, local: LocalSchema, name: string): Promise<PushPlan> {
  const jsonSchema = toJsonSchema(local.config);
  const schemas = await api.listSchemas();
  const existing = schemas.find((schema) => schema.name === name);
  const before = existing === undefined ? [] : schemaKeys(existing);
  const after = schemaKeys({ id: existing?.id ?? '', name, jsonSchema });
  const diff = diffSchemaKeys(before, after);
  const keys = new Set(after.map(({ key }) => key));
  const foreign = schemas
    .filter((schema) => schema.name !== name)
    .flatMap(schemaKeys)
    .filter(({ key }) => keys.has(key));
  const stored = existing !== undefined && hasChanges(diff) ? await readAllValues(api, schemas) : [];
  return {
    name,
    jsonSchema,
    existing,
    diff,
    foreign,
    invalid: findInvalidValues(local.config, stored),
    lost: lostValues(diff, stored),
  };
}

async function readAllValues(api: ConfigApi, schemas: readonly ApiSchema[]): Promise<StoredValues[]> {
  const catalog = schemas.flatMap(schemaKeys);
  const stored: StoredValues[] = [];
  for (const environment of await api.listEnvironments()) {
    stored.push(await readStoredValues(api, environment.name, catalog));
  }
  return stored;
}

function lostValues(diff: SchemaDiff, stored: readonly StoredValues[]): PushPlan['lost'] {
  const moved = diff.changed.filter(({ before, after }) => before.tier !== after.tier);
  return [...diff.removed, ...moved.map(({ before }) => before)]
    .map((key) => ({
      fullName: key.fullName,
      environments: stored
        .filter((values) => values.get(key) !== undefined)
        .map((values) => values.environment),
    }))
    .filter(({ environments }) => environments.length > 0);
}

/** Describes a plan, one line per key. */
export function planLines(plan: PushPlan, colors: Colors): string[] {
  const title =
    plan.existing === undefined
      ? `Schema "${plan.name}" (new)`
      : `Schema "${plan.name}", version ${plan.existing.currentVersion} → ${plan.existing.currentVersion + 1}`;
  return [
    colors.bold(title),
    ...schemaDiffLines(plan.diff, colors),
    ...(plan.lost.length > 0 ? [colors.red('Stored values that would be deleted:'), ...lostLines(plan)] : []),
    ...(plan.invalid.length > 0
      ? [colors.red('Stored values that the new schema rejects:'), ...invalidLines(plan)]
      : []),
  ];
}

/** Lists the values that would be deleted. */
export function lostLines(plan: PushPlan): string[] {
  return plan.lost.map(({ fullName, environments }) => `  ${fullName} (${environments.join(', ')})`);
}

/** Lists the values that would become invalid. */
export function invalidLines(plan: PushPlan): string[] {
  return plan.invalid.map(
    ({ fullName, message, environments }) => `  ${fullName} (${environments.join(', ')}): ${message}`,
  );
}
