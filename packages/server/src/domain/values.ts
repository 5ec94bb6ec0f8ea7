import { randomUUID } from 'node:crypto';
import { clampLimit, compileSegments, type JsonValue, TIERS, type Tier } from '@smooai/config';
import { clip } from '../lib/clip.ts';
import { fieldName } from '../lib/field-name.ts';
import type { Principal } from '../principal.ts';
import type { Environment, Storage, StorageOperations, StoredValue } from '../storage/storage.ts';
import { findEnvironment, findEnvironmentByName } from './access.ts';
import type { WriteTransaction } from './change-writer.ts';
import { runCheckedWrite } from './checked-write.ts';
import type { DomainParts } from './domain-parts.ts';
import { type EffectiveValue, fallbackChain } from './effective-values.ts';
import type { EnvironmentView } from './environment-view.ts';
import type { Precondition } from './precondition.ts';
import { Refusal } from './refusal.ts';
import { checkJsonLimits, MAX_VALUE_BYTES } from './validation/json-limits.ts';
import { type PatternCheck, patternsIn } from './validation/pattern-check.ts';
import { RequestChecks } from './validation/request-checks.ts';
import type { SchemaKey } from './validation/schema-keys.ts';
import { checkValue, isTargeted } from './validation/value-check.ts';
import { ValueVerdicts } from './validation/value-verdicts.ts';
import { mayKnowVersion, requireValuePrecondition } from './value-precondition.ts';
import { type KeyedSchema, WriteReader } from './write-reader.ts';

/** One value of a write request. Its shape is already checked. */
export interface ValueWrite {
  schemaId: string;
  environmentId: string;
  key: string;
  value: JsonValue;
  /** `featureFlag` is another name for `feature_flag`. */
  tier: Tier | 'featureFlag';
}

/** What a deletion needs. */
interface Deletion {
  /** Whether a secret may be deleted. */
  force: boolean;
  precondition?: Precondition | undefined;
}

/** A valid write with its environment and schema. */
interface CheckedWrite {
  write: ValueWrite;
  environment: Environment;
  schema: KeyedSchema;
}

/** For a plain value. */
const NO_SEGMENTS = compileSegments({});

/** Reading and writing values. */
export class Values {
  readonly #storage: Storage;
  readonly #parts: DomainParts;

  constructor(storage: Storage, parts: DomainParts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** The values of a view by key; targeted ones are evaluated for the empty context. A browser gets no secrets. */
  list(principal: Principal, view: EnvironmentView): Record<string, JsonValue> {
    const values: [string, JsonValue][] = [];
    for (const stored of view.values.values()) {
      if (isVisible(principal, stored)) values.push([stored.key, plainValue(view, stored)]);
    }
    return Object.fromEntries(values);
  }

  /** @throws {Refusal} `not-found` for a key without a value, or a secret that a browser asks for */
  get(principal: Principal, view: EnvironmentView, key: string): JsonValue {
    return plainValue(view, findVisible(principal, view, key));
  }

  /**
   * The version of a stored value, with its targeting, whether it is the environment's own or inherited.
   * @throws {Refusal} as {@link get}
   */
  versionIn(principal: Principal, view: EnvironmentView, key: string): string {
    return this.#storage.versionOf(findVisible(principal, view, key));
  }

  /** The version of a row; undefined if the caller may not know it. */
  versionOf(principal: Principal, row: StoredValue): string | undefined {
    return mayKnowVersion(principal, row) ? this.#storage.versionOf(row) : undefined;
  }

  /**
   * Stores all of the values, or none if one is refused.
   * @param pointerOf the place of the n-th value in the request, as a JSON pointer
   * @throws {Refusal} naming the field and the reason of the first refused value
   */
  set(
    principal: Principal,
    writes: readonly ValueWrite[],
    pointerOf: (index: number) => string,
  ): Promise<StoredValue[]> {
    return this.#set(principal, writes, { pointerOf });
  }

  /** Stores one value if the precondition holds. @throws {Refusal} as {@link set}, and `precondition-failed` */
  async setOne(
    principal: Principal,
    write: ValueWrite,
    precondition: Precondition | undefined,
  ): Promise<StoredValue> {
    const [row] = await this.#set(principal, [write], { pointerOf: () => '', precondition });
    if (row === undefined) throw new Error('A stored value has no row.');
    return row;
  }

  async #set(
    principal: Principal,
    writes: readonly ValueWrite[],
    {
      pointerOf,
      precondition,
    }: { pointerOf: (index: number) => string; precondition?: Precondition | undefined },
  ): Promise<StoredValue[]> {
    for (const [index, write] of writes.entries()) {
      checkJsonLimits(write.value, field(pointerOf(index), 'value'), MAX_VALUE_BYTES);
    }
    refuseRepeats(writes, pointerOf);
    const checks = new RequestChecks(this.#parts.checks, principal);
    const verdicts = new ValueVerdicts(checks);
    const checkPattern = await this.#parts.patterns.prepare(
      writes.flatMap(({ value }) => (isTargeted(value) ? patternsIn(value) : [])),
      checks,
    );
    this.#wantVerdicts(principal, writes, verdicts);
    const work = async (transaction: WriteTransaction): Promise<StoredValue[]> => {
      const reader = new WriteReader(transaction.operations, principal, this.#parts.schemaKeys);
      const checked: CheckedWrite[] = [];
      for (const [index, write] of writes.entries()) {
        const pointer = pointerOf(index);
        checked.push(await this.#check(reader, write, { pointer, checkPattern, verdicts }));
      }
      verdicts.requireComplete();
      for (const { environment, write } of checked) {
        const { key } = write;
        await requireValuePrecondition(transaction.operations, { principal, environment, key, precondition });
      }
      const rows: StoredValue[] = [];
      for (const entry of checked) rows.push(await storeValue(transaction, principal, entry));
      return rows;
    };
    const valuesOf = [...new Set(writes.map(({ environmentId }) => environmentId))];
    return runCheckedWrite(this.#parts.writer, { verdicts, work, scope: { valuesOf } });
  }

  /** Asks for the verdicts that the write will probably need, so that it runs only once. */
  #wantVerdicts(principal: Principal, writes: readonly ValueWrite[], verdicts: ValueVerdicts): void {
    for (const { schemaId, key, value } of writes) {
      const schemaKey = this.#parts.schemaKeys.recent(schemaId, principal.organizationId)?.get(key);
      if (schemaKey !== undefined && !isTargeted(value)) verdicts.of(schemaKey, value);
    }
  }

  /**
   * Deletes an environment's own value; its clients then see the one of the fallback, if any.
   * @throws {Refusal} `not-found`, `forbidden`, `precondition-failed`, `conflict` for a secret without `force`
   */
  async delete(
    principal: Principal,
    { environment: name, key, ...condition }: Deletion & { environment: string; key: string },
  ): Promise<void> {
    await this.#parts.writer.run(async (transaction) => {
      const environment = await findEnvironmentByName(transaction.operations, principal, name);
      const stored = await transaction.operations.findValue(environment.id, key);
      if (stored === undefined) {
        throw new Refusal('not-found', `The key "${clip(key)}" has no value of its own in "${name}".`);
      }
      await removeIfAllowed(transaction, environment, { principal, stored, ...condition });
    });
  }

  /**
   * The stored values of one environment itself, or those of one schema in it, sorted by key. For machine clients: rows
   * contain secrets and rules.
   * @throws {Refusal} `not-found`, `forbidden`
   */
  async listRows(
    principal: Principal,
    { environmentId, schemaId }: { environmentId: string; schemaId?: string },
  ): Promise<StoredValue[]> {
    const storage = this.#storage;
    const environment = await findEnvironment(storage, principal, environmentId);
    const rows = await storage.listValues(environment.id);
    if (schemaId === undefined) return rows;
    const schema = await storage.findSchema(schemaId);
    if (schema?.organizationId !== principal.organizationId) {
      throw new Refusal('not-found', `A schema with the id "${clip(schemaId)}" does not exist.`);
    }
    return rows.filter((row) => row.schemaId === schema.id);
  }

  /** A stored value by its id, for machine clients. @throws {Refusal} `not-found`, `forbidden` */
  async getRow(principal: Principal, id: string): Promise<StoredValue> {
    return (await findRow(this.#storage, principal, id)).stored;
  }

  /** Deletes a stored value by its id. @throws {Refusal} as {@link delete} */
  async deleteRow(principal: Principal, { id, ...condition }: Deletion & { id: string }): Promise<void> {
    await this.#parts.writer.run(async (transaction) => {
      const { stored, environment } = await findRow(transaction.operations, principal, id);
      await removeIfAllowed(transaction, environment, { principal, stored, ...condition });
    });
  }

  async #check(
    reader: WriteReader,
    write: ValueWrite,
    options: { pointer: string; checkPattern: PatternCheck; verdicts: ValueVerdicts },
  ): Promise<CheckedWrite> {
    const { pointer } = options;
    const environment = await reader.environment(write.environmentId, field(pointer, 'environmentId'));
    const given = await reader.schema(write.schemaId, field(pointer, 'schemaId'));
    const has = ({ keys }: KeyedSchema): boolean => keys.has(write.key);
    // The platform's tools may name another schema of the organization, but a key belongs to one only.
    const schema = has(given) ? given : (await reader.organizationSchemas()).find(has);
    const key = schema?.keys.get(write.key);
    if (schema === undefined || key === undefined) {
      throw new Refusal(
        'invalid',
        `Field "${field(pointer, 'key')}": the schema "${clip(given.name)}" has no key "${clip(write.key)}".`,
      );
    }
    if (key.tier !== tierOf(write)) {
      throw new Refusal(
        'invalid',
        `Field "${field(pointer, 'tier')}": "${key.key}" belongs to the tier ${key.tier}.`,
      );
    }
    const segments = isTargeted(write.value) ? await reader.segments(environment) : NO_SEGMENTS;
    checkValue(key, write.value, { ...options, pointer: `${pointer}/value`, segments });
    return { write, environment, schema };
  }
}

/** @throws {Refusal} `not-found` if the organization has no such value, `forbidden` as for its environment */
async function findRow(
  operations: StorageOperations,
  principal: Principal,
  id: string,
): Promise<{ stored: StoredValue; environment: Environment }> {
  const stored = await operations.findValueById(id);
  if (stored?.organizationId === principal.organizationId) {
    const environment = await findEnvironment(operations, principal, stored.environmentId);
    return { stored, environment };
  }
  throw new Refusal(
    'not-found',
    `A value with the id "${clip(id)}" does not exist. To name a key, add the query parameter "environment".`,
  );
}

async function removeIfAllowed(
  transaction: WriteTransaction,
  environment: Environment,
  { principal, stored, force, precondition }: Deletion & { principal: Principal; stored: StoredValue },
): Promise<void> {
  const { key } = stored;
  await requireValuePrecondition(transaction.operations, { principal, environment, key, precondition });
  if (stored.tier === 'secret' && !force) {
    throw new Refusal('conflict', `"${stored.key}" is a secret. To delete it, add force=true to the query.`);
  }
  await removeValue(transaction, environment, stored);
}

/** Deletes a stored value and records what clients see instead. */
export async function removeValue(
  transaction: WriteTransaction,
  environment: Environment,
  stored: StoredValue,
): Promise<void> {
  const { operations } = transaction;
  await operations.deleteValue(environment.id, stored.key);
  let next: StoredValue | undefined;
  for (const entry of await fallbackChain(operations, environment)) {
    next ??= await operations.findValue(entry.id, stored.key);
  }
  const { tier, key } = stored;
  for (const viewerId of await operations.listViewersOfValue(environment.id, key)) {
    transaction.record(viewerId, [
      next === undefined ? { tier, key, deleted: true } : { tier: next.tier, key, value: next.value },
    ]);
  }
}

async function storeValue(
  transaction: WriteTransaction,
  principal: Principal,
  { write, environment, schema }: CheckedWrite,
): Promise<StoredValue> {
  const { operations, now } = transaction;
  const { key, value } = write;
  const tier = tierOf(write);
  const row = await operations.upsertValue({
    id: randomUUID(),
    organizationId: principal.organizationId,
    schemaId: schema.id,
    environmentId: environment.id,
    key,
    value,
    tier,
    updatedBy: principal.clientId,
    createdAt: now,
    updatedAt: now,
  });
  for (const viewerId of await operations.listViewersOfValue(environment.id, key)) {
    transaction.record(viewerId, [{ tier, key, value }]);
  }
  return row;
}

function refuseRepeats(writes: readonly ValueWrite[], pointerOf: (index: number) => string): void {
  const seen = new Set<string>();
  for (const [index, write] of writes.entries()) {
    const target = JSON.stringify([write.environmentId, write.key]);
    if (seen.has(target)) {
      throw new Refusal(
        'invalid',
        `Field "${field(pointerOf(index), 'key')}": "${clip(write.key)}" is set twice in one environment.`,
      );
    }
    seen.add(target);
  }
}

/** The names that a write may use for tiers. */
export const TIER_NAMES: readonly string[] = [...TIERS.map((names) => names.tier), 'featureFlag'];

function tierOf(write: ValueWrite): Tier {
  return write.tier === 'featureFlag' ? 'feature_flag' : write.tier;
}

function findVisible(principal: Principal, view: EnvironmentView, key: string): EffectiveValue {
  const stored = view.values.get(key);
  if (stored !== undefined && isVisible(principal, stored)) return stored;
  throw new Refusal('not-found', `The key "${clip(key)}" has no value in "${view.environment.name}".`);
}

function isVisible(principal: Principal, stored: EffectiveValue): boolean {
  return stored.tier !== 'secret' || principal.type === 'm2m';
}

function plainValue(view: EnvironmentView, stored: EffectiveValue): JsonValue {
  if (stored.tier === 'public' || stored.tier === 'secret') return stored.value;
  const value = view.evaluate(stored.key, {})?.value ?? null;
  return clamped(view.keys.get(stored.key), value);
}

function clamped(key: SchemaKey | undefined, value: JsonValue): JsonValue {
  return key?.limit === undefined ? value : clampLimit(value, key.limit);
}

/** `/values/3` and `key` become `values[3].key`. */
function field(pointer: string, name: string): string {
  return fieldName(`${pointer}/${name}`, 'body');
}
