import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { tierNames } from '@smooai/config';
import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Storage, StorageOperations, StoredSchema, StoredValue } from '../storage/storage.ts';
import { requireAllEnvironments } from './access.ts';
import type { WriteTransaction } from './change-writer.ts';
import { runCheckedWrite } from './checked-write.ts';
import type { DomainParts } from './domain-parts.ts';
import { keepBuiltInValues, refuseKeysOfOtherSchemas } from './key-ownership.ts';
import { type Precondition, type Present, requirePrecondition } from './precondition.ts';
import { Refusal } from './refusal.ts';
import { writeName } from './unique-name.ts';
import { MAX_ROWS } from './validation/json-limits.ts';
import { RequestChecks } from './validation/request-checks.ts';
import { checkSchemaDocument, emptySchemaDocument } from './validation/schema-document.ts';
import { readSchemaKeys, type SchemaKeys } from './validation/schema-keys.ts';
import { findStoredIssue } from './validation/value-check.ts';
import { ValueVerdicts } from './validation/value-verdicts.ts';
import { removeValue } from './values.ts';

/** A stored value that does not fit a new version of its schema, as a conflict lists it. */
interface InvalidValue {
  key: string;
  environment: string;
  reason: string;
}

interface InvalidRow extends InvalidValue {
  stored: StoredValue;
  /** Its key is gone or has another tier, so the value can only be deleted. */
  mustBeDeleted: boolean;
}

/** What a write requires of the schema that is there. */
interface Conditional {
  precondition?: Precondition | undefined;
}

/** Reading and writing schemas. */
export class Schemas {
  readonly #storage: Storage;
  readonly #parts: DomainParts;

  constructor(storage: Storage, parts: DomainParts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  list(principal: Principal): Promise<StoredSchema[]> {
    return this.#storage.listSchemas(principal.organizationId);
  }

  /** @throws {Refusal} `not-found` */
  get(principal: Principal, id: string): Promise<StoredSchema> {
    return findSchema(this.#storage, principal, id);
  }

  /** The version of what a schema says, for preconditions; unlike its number, it is the same if it says the same. */
  versionOf(schema: StoredSchema): string {
    return versionOf(this.#storage, schema);
  }

  /**
   * Creates a schema at version 1. Without a document it has no keys yet.
   * @throws {Refusal} `forbidden`, `invalid` for the document, `conflict` for a taken name or a key of another schema
   */
  async create(
    principal: Principal,
    input: { name: string; description?: string | null; jsonSchema?: unknown },
  ): Promise<StoredSchema> {
    requireAllEnvironments(principal, 'change schemas');
    const jsonSchema =
      input.jsonSchema === undefined
        ? emptySchemaDocument()
        : await checkSchemaDocument(input.jsonSchema, new RequestChecks(this.#parts.checks, principal));
    return this.#parts.writer.run(async (transaction) => {
      const { operations, now } = transaction;
      const others = await operations.listSchemas(principal.organizationId);
      if (others.length >= MAX_ROWS)
        throw new Refusal(
          'conflict',
          `The organization has ${MAX_ROWS} schemas, the maximum. Delete one first.`,
        );
      const schema: StoredSchema = {
        id: randomUUID(),
        organizationId: principal.organizationId,
        name: input.name,
        description: input.description ?? null,
        currentVersion: 1,
        jsonSchema,
        createdBy: principal.clientId,
        createdAt: now,
        updatedAt: now,
      };
      refuseKeysOfOtherSchemas(jsonSchema, others);
      await writeName('schema', schema.name, () => operations.insertSchema(schema));
      await touchEnvironments(transaction, principal.organizationId);
      return schema;
    });
  }

  /**
   * Changes name and description.
   * @throws {Refusal} `forbidden`, `not-found`, `precondition-failed`, `conflict` for a taken name
   */
  async update(
    principal: Principal,
    id: string,
    { precondition, ...input }: Conditional & { name?: string; description?: string | null },
  ): Promise<StoredSchema> {
    requireAllEnvironments(principal, 'change schemas');
    return this.#parts.writer.run(async ({ operations, now }) => {
      const schema = await findSchema(operations, principal, id);
      await requireSchema(operations, schema, precondition);
      const next: StoredSchema = { ...schema, ...input, updatedAt: now };
      await writeName('schema', next.name, () => operations.updateSchema(next));
      return next;
    });
  }

  /**
   * Deletes a schema; with `force` also its values.
   * @throws {Refusal} `forbidden`, `not-found`, `precondition-failed`, `conflict` with a list of its values unless `force`
   */
  async delete(
    principal: Principal,
    id: string,
    { force, precondition }: Conditional & { force: boolean },
  ): Promise<void> {
    requireAllEnvironments(principal, 'delete schemas');
    await this.#parts.writer.run(async (transaction) => {
      const { operations } = transaction;
      const schema = await findSchema(operations, principal, id);
      await requireSchema(operations, schema, precondition);
      const others = await otherSchemas(operations, schema);
      await keepBuiltInValues(operations, id, { keys: new Set(), others });
      const invalid = await findInvalidValues(operations, schema.id, { keys: new Map() });
      if (invalid.length > 0 && !force) {
        throw conflict(
          `The schema "${clip(schema.name)}" has stored values. Set "force" to delete them too.`,
          invalid,
        );
      }
      await removeAll(transaction, invalid);
      await operations.deleteSchema(schema.id);
      await touchEnvironments(transaction, principal.organizationId);
    });
    this.#parts.schemaKeys.delete(id);
  }

  /**
   * Stores a new version of the document. With `force`, stored values whose key is gone or has another tier are
   * deleted.
   * @throws {Refusal} `forbidden`, `not-found`, `precondition-failed`, `invalid` for the document, `conflict` for a key of
   * another schema and, unless `force`, with a list of the stored values that would become invalid
   */
  async push(
    principal: Principal,
    id: string,
    input: Conditional & { jsonSchema: unknown; changeDescription?: string | null; force: boolean },
  ): Promise<{ schema: StoredSchema; version: number }> {
    requireAllEnvironments(principal, 'push schemas');
    const checks = new RequestChecks(this.#parts.checks, principal);
    const jsonSchema = await checkSchemaDocument(input.jsonSchema, checks);
    const keys = readSchemaKeys(jsonSchema);
    const verdicts = new ValueVerdicts(checks);
    const work = async (
      transaction: WriteTransaction,
    ): Promise<{ schema: StoredSchema; version: number }> => {
      const { operations, now } = transaction;
      const schema = await findSchema(operations, principal, id);
      await requireSchema(operations, schema, input.precondition);
      const others = await otherSchemas(operations, schema);
      refuseKeysOfOtherSchemas(jsonSchema, others);
      await keepBuiltInValues(operations, id, { keys: new Set(keys.keys()), others });
      // With `force`, values that do not fit are kept, so they need no check.
      const invalid = await findInvalidValues(operations, id, { keys, ...(!input.force && { verdicts }) });
      refuseStopped(verdicts);
      verdicts.requireComplete();
      if (invalid.length > 0 && !input.force) {
        throw conflict(
          'Stored values do not fit the new schema. Change them first, or push with "force": true.',
          invalid,
        );
      }
      await removeAll(
        transaction,
        invalid.filter((row) => row.mustBeDeleted),
      );
      const version = schema.currentVersion + 1;
      const next: StoredSchema = { ...schema, jsonSchema, currentVersion: version, updatedAt: now };
      await operations.updateSchema(next, {
        description: input.changeDescription ?? null,
        by: principal.clientId,
      });
      if (!isDeepStrictEqual(schema.jsonSchema, jsonSchema)) {
        await touchEnvironments(transaction, principal.organizationId);
      }
      return { schema: next, version };
    };
    return runCheckedWrite(this.#parts.writer, { verdicts, work });
  }
}

function versionOf(operations: StorageOperations, { name, description, jsonSchema }: StoredSchema): string {
  return operations.fingerprint([name, description, jsonSchema]);
}

/** @throws {Refusal} `precondition-failed` */
async function requireSchema(
  operations: StorageOperations,
  schema: StoredSchema,
  precondition: Precondition | undefined,
): Promise<void> {
  if (precondition === undefined) return;
  const present: Present = {
    version: versionOf(operations, schema),
    updatedBy: await operations.findSchemaWriter(schema),
    updatedAt: schema.updatedAt,
  };
  await requirePrecondition(operations, precondition, {
    subject: `The schema "${clip(schema.name)}"`,
    phrases: { exists: 'exists already', isMissing: 'does not exist' },
    own: present,
    served: present,
  });
}

async function otherSchemas(operations: StorageOperations, schema: StoredSchema): Promise<StoredSchema[]> {
  return (await operations.listSchemas(schema.organizationId)).filter(({ id }) => id !== schema.id);
}

async function findSchema(
  operations: StorageOperations,
  principal: Principal,
  id: string,
): Promise<StoredSchema> {
  const schema = await operations.findSchema(id);
  if (schema === undefined || schema.organizationId !== principal.organizationId) {
    throw new Refusal('not-found', `A schema with the id "${clip(id)}" does not exist.`);
  }
  return schema;
}

/** A new document gives every environment a new revision, because snapshots contain its defaults and bounds. */
async function touchEnvironments(transaction: WriteTransaction, organizationId: string): Promise<void> {
  for (const environment of await transaction.operations.listEnvironments(organizationId)) {
    transaction.record(environment.id, []);
  }
}

async function findInvalidValues(
  operations: StorageOperations,
  schemaId: string,
  { keys, verdicts }: { keys: SchemaKeys; verdicts?: ValueVerdicts },
): Promise<InvalidRow[]> {
  const invalid: InvalidRow[] = [];
  const names = new Map<string, string>();
  for (const stored of await operations.listSchemaValues(schemaId)) {
    const key = keys.get(stored.key);
    const mustBeDeleted = key === undefined || key.tier !== stored.tier;
    const reason =
      key === undefined
        ? 'the schema has no such key'
        : mustBeDeleted
          ? `its tier becomes ${key.tier}`
          : verdicts && findStoredIssue(key, stored.value, verdicts);
    if (reason === undefined) continue;
    const environment =
      names.get(stored.environmentId) ?? (await operations.findEnvironment(stored.environmentId))?.name ?? '';
    names.set(stored.environmentId, environment);
    invalid.push({ key: stored.key, environment, reason, stored, mustBeDeleted });
  }
  return invalid.sort((a, b) => compare(a.key, b.key) || compare(a.environment, b.environment));
}

/** @throws {Refusal} `invalid` if the check of the stored values used up the budget of the request */
function refuseStopped({ stop }: ValueVerdicts): void {
  if (stop === undefined) return;
  const { key, tier } = stop.key;
  throw new Refusal(
    'invalid',
    `Field "jsonSchema.properties.${tierNames(tier).schema}.properties.${key}": the stored values of this key ` +
      `${stop.reason}. Simplify its patterns and references, or push with "force": true, which does not check them.`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function conflict(message: string, invalid: readonly InvalidRow[]): Refusal {
  const values: InvalidValue[] = invalid.map(({ key, environment, reason }) => ({
    key,
    environment,
    reason,
  }));
  const detail = values
    .slice(0, 20)
    .map(({ key, environment, reason }) => `${key} in ${environment}: ${reason}`)
    .join('; ');
  return new Refusal('conflict', message, { detail, fields: { values } });
}

async function removeAll(transaction: WriteTransaction, invalid: readonly InvalidRow[]): Promise<void> {
  for (const { stored } of invalid) {
    const environment = await transaction.operations.findEnvironment(stored.environmentId);
    if (environment !== undefined) await removeValue(transaction, environment, stored);
  }
}
