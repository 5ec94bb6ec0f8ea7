import { type CompiledSegments, compileSegments } from '@smooai/config';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations } from '../storage/storage.ts';
import { findEnvironmentById } from './access.ts';
import { readEffectiveSegments, toConditions } from './effective-values.ts';
import { Refusal } from './refusal.ts';
import type { SchemaKeys, SchemaKeysCache } from './validation/schema-keys.ts';

/** A schema with its keys, which are usually in memory. */
export interface KeyedSchema {
  id: string;
  name: string;
  keys: SchemaKeys;
}

/** Reads the environments, schemas and segments of one write, each once. */
export class WriteReader {
  readonly #operations: StorageOperations;
  readonly #principal: Principal;
  readonly #environments = new Map<string, Environment>();
  readonly #schemaKeys: SchemaKeysCache;
  readonly #schemas = new Map<string, KeyedSchema>();
  #organizationSchemas: KeyedSchema[] | undefined;
  readonly #segments = new Map<string, CompiledSegments>();

  constructor(operations: StorageOperations, principal: Principal, schemaKeys: SchemaKeysCache) {
    this.#operations = operations;
    this.#principal = principal;
    this.#schemaKeys = schemaKeys;
  }

  async environment(id: string, name: string): Promise<Environment> {
    const known = this.#environments.get(id);
    if (known !== undefined) return known;
    const environment = await findEnvironmentById(this.#operations, this.#principal, { id, field: name });
    this.#environments.set(id, environment);
    return environment;
  }

  async schema(id: string, name: string): Promise<KeyedSchema> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const version = await this.#operations.findSchemaVersion(id);
    const isOwn = version?.organizationId === this.#principal.organizationId;
    const keys = isOwn ? (this.#schemaKeys.find(version) ?? (await this.#readKeys(id))) : undefined;
    if (version === undefined || keys === undefined) {
      throw new Refusal('not-found', `Field "${name}" is not the id of a schema of this organization.`);
    }
    const schema = { id, name: version.name, keys };
    this.#schemas.set(id, schema);
    return schema;
  }

  async #readKeys(id: string): Promise<SchemaKeys | undefined> {
    const schema = await this.#operations.findSchema(id);
    return schema && this.#schemaKeys.of(schema);
  }

  async organizationSchemas(): Promise<KeyedSchema[]> {
    this.#organizationSchemas ??= (await this.#operations.listSchemas(this.#principal.organizationId)).map(
      (schema) => ({ id: schema.id, name: schema.name, keys: this.#schemaKeys.of(schema) }),
    );
    return this.#organizationSchemas;
  }

  async segments(environment: Environment): Promise<CompiledSegments> {
    const known = this.#segments.get(environment.id);
    if (known !== undefined) return known;
    const segments = compileSegments(
      toConditions(await readEffectiveSegments(this.#operations, environment)),
    );
    this.#segments.set(environment.id, segments);
    return segments;
  }
}
