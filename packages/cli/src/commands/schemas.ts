import { resolve } from 'node:path';
import type { SchemaDocument } from '@smooai/config';
import type { ApiSchema, ConfigApi } from '@smooai/config/server';
import { schemaKeys } from '../catalog.ts';
import { confirmLoss } from '../confirm.ts';
import { CliError, UsageError } from '../errors.ts';
import { isRefusal, refusalLines } from '../failure.ts';
import { readJsonFile } from '../files.ts';
import { isRecord } from '../json.ts';
import type { CommandContext } from '../program/command-context.ts';
import { count } from '../text/count.ts';
import { didYouMean } from '../text/did-you-mean.ts';
import { table } from '../text/table.ts';
import { valueText } from '../text/value-text.ts';

export interface SchemaAddOptions {
  /** The schema document. */
  file: string;
  description?: string;
}

export interface SchemaRemoveOptions {
  /** Does not ask. */
  yes?: boolean;
  /** Deletes the stored values too. */
  force?: boolean;
}

/** `schema list`: prints the organization's schemas. */
export async function runSchemaList(context: CommandContext): Promise<void> {
  const { api } = await context.connect();
  const rows = (await api.listSchemas()).map((schema) => ({
    name: schema.name,
    id: schema.id,
    version: schema.currentVersion,
    keys: schemaKeys(schema).length,
    description: schema.description ?? null,
  }));
  const text = table(
    ['SCHEMA', 'VERSION', 'KEYS', 'DESCRIPTION'],
    rows.map(({ name, version, keys, description }) => [
      valueText(name),
      String(version),
      String(keys),
      valueText(description ?? '-').replace(/\s*\n\s*/g, ' '),
    ]),
    context.colors,
  );
  context.print(text, rows);
}

/** `schema add NAME --file FILE`: creates a schema from a schema document of any SDK, as it is. */
export async function runSchemaAdd(
  context: CommandContext,
  name: string,
  { file, description }: SchemaAddOptions,
): Promise<void> {
  const jsonSchema = await readJsonFile(resolve(context.io.cwd, file), `--file ${file}`);
  if (!isRecord(jsonSchema) || !isRecord(jsonSchema.properties)) {
    throw new UsageError(
      `--file ${file} is not a schema document. It must be { "type": "object", "properties": { "publicConfigSchema": … } }. For a TypeScript schema, use: smooai-config push SCHEMA.ts`,
    );
  }
  const { api } = await context.connect();
  const existing = (await api.listSchemas()).find((schema) => schema.name === name);
  if (existing !== undefined) {
    throw new UsageError(
      `There is a schema "${name}" already, at version ${existing.currentVersion}. Use another name, or push its next version: smooai-config push SCHEMA.ts --name ${name}`,
    );
  }
  const schema = await api.createSchema({
    name,
    // As the file has it: the server checks it.
    jsonSchema: jsonSchema as unknown as SchemaDocument,
    ...(description !== undefined && { description }),
  });
  const keys = schemaKeys({ id: schema.id, name, jsonSchema: jsonSchema as unknown as SchemaDocument });
  context.print(context.colors.green(`Created the schema "${name}" with ${count(keys.length, 'key')}.`), {
    name,
    id: schema.id,
    version: schema.currentVersion,
    keys: keys.map(({ fullName }) => fullName),
  });
}

/** `schema rm NAME`: deletes a schema. */
export async function runSchemaRemove(
  context: CommandContext,
  name: string,
  options: SchemaRemoveOptions,
): Promise<void> {
  const { api } = await context.connect();
  const schema = await findSchema(api, name);
  const loss = options.force === true ? ', and all stored values of its keys' : '';
  await confirmLoss(context.io, {
    yes: options.yes,
    question: `Delete the schema "${name}"${loss}? This cannot be undone. Continue`,
    consequence: `The schema "${name}"${loss} would be deleted. This cannot be undone.`,
  });
  await deleteSchema(api, schema, options);
  context.print(context.colors.green(`Deleted the schema "${name}".`), { name, id: schema.id });
}

/** The server's own advice names a field of its request. */
async function deleteSchema(
  api: ConfigApi,
  schema: ApiSchema,
  { force }: SchemaRemoveOptions,
): Promise<void> {
  try {
    await api.deleteSchema(schema.id, { force });
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    const stored = refusalLines(error);
    throw new CliError(
      `The schema "${schema.name}" has stored values:\n${stored.join('\n')}\nNothing was deleted. To delete them too, add --force.`,
    );
  }
}

async function findSchema(api: ConfigApi, name: string): Promise<ApiSchema> {
  const schemas = await api.listSchemas();
  const match = schemas.find((schema) => schema.name === name || schema.id === name);
  if (match !== undefined) return match;
  const names = schemas.map((schema) => schema.name);
  throw new UsageError(
    `Unknown schema "${name}".${didYouMean(name, names)} Schemas: ${names.join(', ') || 'none'}.`,
  );
}
