import { type CompiledSegments, compileSegments } from '@smooai/config';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations, StoredSchema } from '../storage/storage.ts';
import { findEnvironmentById } from './access.ts';
import { readEffectiveSegments, toConditions } from './effective-values.ts';
import { Refusal } from './refusal.ts';

/** Reads the environments, schemas and segments of one write, each once. */
export class WriteReader {
  readonly #operations: StorageOperations;
  readonly #principal: Principal;
  readonly #environments = new Map<string, Environment>();
  readonly #schemas = new Map<string, StoredSchema>();
  #organizationSchemas: StoredSchema[] | undefined;
  readonly #segments = new Map<string, CompiledSegments>();

  constructor(operations: StorageOperations, principal: Principal) {
    this.#operations = operations;
    this.#principal = principal;
  }

  async environment(id: string, name: string): Promise<Environment> {
    const known = this.#environments.get(id);
    if (known !== undefined) return known;
    const environment = await findEnvironmentById(this.#operations, this.#principal, { id, field: name });
    this.#environments.set(id, environment);
    return environment;
  }

  async schema(id: string, name: string): Promise<StoredSchema> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const schema = await this.#operations.findSchema(id);
    if (schema === undefined || schema.organizationId !== this.#principal.organizationId) {
      throw new Refusal('not-found', `Field "${name}" is not the id of a schema of this organization.`);
    }
    this.#schemas.set(id, schema);
    return schema;
  }

  async organizationSchemas(): Promise<StoredSchema[]> {
    this.#organizationSchemas ??= await this.#operations.listSchemas(this.#principal.organizationId);
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
