import { randomUUID } from 'node:crypto';
import { MultiMap } from '../lib/multi-map.ts';
import type { Principal } from '../principal.ts';
import type { Environment, Storage, StorageOperations } from '../storage/storage.ts';
import { findEnvironment, mayUseEnvironment, requireAllEnvironments } from './access.ts';
import type { WriteTransaction } from './change-writer.ts';
import type { DomainParts } from './domain-parts.ts';
import {
  diffEffectiveValues,
  type EffectiveValues,
  MAX_FALLBACKS,
  readDependents,
  readEffectiveValues,
} from './effective-values.ts';
import { Refusal } from './refusal.ts';
import { findNewlyTooLarge, findUnknownSegment } from './segment-use.ts';
import { writeName } from './unique-name.ts';
import { MAX_ROWS } from './validation/json-limits.ts';

/** The pattern of environment names. */
export const ENVIRONMENT_NAME = '^[a-z0-9][a-z0-9-]*[a-z0-9]$|^[a-z0-9]$';

/** The fields of an environment that a request can set. */
export interface EnvironmentInput {
  name?: string;
  description?: string | null;
  fallbackEnvironmentId?: string | null;
}

/** Reading and writing environments. */
export class Environments {
  readonly #storage: Storage;
  readonly #parts: DomainParts;
  readonly #watchers = new MultiMap<string, Watcher>();

  constructor(storage: Storage, parts: DomainParts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** The environments that the caller may use, sorted by name. */
  async list(principal: Principal): Promise<Environment[]> {
    const all = await this.#storage.listEnvironments(principal.organizationId);
    const { environments } = principal;
    return environments === undefined ? all : all.filter((entry) => environments.includes(entry.name));
  }

  /**
   * Creates an environment without values.
   * @throws {Refusal} `forbidden`, `not-found` for an unknown fallback, `conflict` for a taken name or a bad fallback
   * chain
   */
  async create(principal: Principal, input: EnvironmentInput & { name: string }): Promise<Environment> {
    requireAllEnvironments(principal, 'create environments');
    return this.#parts.writer.run(async ({ operations, now }) => {
      const all = await operations.listEnvironments(principal.organizationId);
      if (all.length >= MAX_ROWS) {
        throw new Refusal(
          'conflict',
          `The organization has ${MAX_ROWS} environments, the maximum. Delete one first.`,
        );
      }
      const environment: Environment = {
        id: randomUUID(),
        organizationId: principal.organizationId,
        name: input.name,
        description: input.description ?? null,
        fallbackEnvironmentId: input.fallbackEnvironmentId ?? null,
        // Above every revision of a deleted environment of that name: its clients ignore lower revisions.
        revision: Date.parse(now),
        createdAt: now,
        updatedAt: now,
      };
      checkFallbacks([...all, environment], environment);
      await writeName('environment', environment.name, () => operations.insertEnvironment(environment));
      return environment;
    });
  }

  /**
   * Changes name, description or fallback. A new fallback changes what the environment and its dependents see.
   * @throws {Refusal} `forbidden` for a new name if the caller is limited to some environments, or a fallback that it
   * may not use; `not-found`; `conflict` for a taken name or a bad fallback chain
   */
  async update(principal: Principal, id: string, input: EnvironmentInput): Promise<Environment> {
    const updated = await this.#parts.writer.run(async (transaction) => {
      const { operations, now } = transaction;
      const environment = await findEnvironment(operations, principal, id);
      // Clients are limited to environments by name, so a new name would change their rights.
      if (input.name !== undefined && input.name !== environment.name) {
        requireAllEnvironments(principal, 'rename environments');
      }
      const next: Environment = { ...environment, ...input, updatedAt: now };
      const all = await operations.listEnvironments(principal.organizationId);
      if (next.fallbackEnvironmentId !== environment.fallbackEnvironmentId) {
        requireFallbackAccess(principal, all, next.fallbackEnvironmentId);
      }
      checkFallbacks(
        all.map((entry) => (entry.id === id ? next : entry)),
        next,
      );
      const before = await readAllEffective(operations, environment);
      await writeName('environment', next.name, () => operations.updateEnvironment(next));
      if (next.fallbackEnvironmentId !== environment.fallbackEnvironmentId) {
        await recordNewFallback(transaction, next, before);
      }
      // The name is part of the ruleset.
      if (next.name !== environment.name) transaction.record(id, []);
      return next;
    });
    this.#notifyLost(id, (watcher) => !mayUseEnvironment(watcher.principal, updated.name));
    return updated;
  }

  /**
   * Deletes an environment with its values.
   * @throws {Refusal} `not-found`, `forbidden` if the caller is limited to some environments, `conflict` while others
   * fall back to it
   */
  async delete(principal: Principal, id: string): Promise<void> {
    await this.#parts.writer.run(async (transaction) => {
      const { operations } = transaction;
      const environment = await findEnvironment(operations, principal, id);
      requireAllEnvironments(principal, 'delete environments');
      const all = await operations.listEnvironments(principal.organizationId);
      const dependents = all.filter((entry) => entry.fallbackEnvironmentId === id).map((entry) => entry.name);
      if (dependents.length > 0) {
        throw new Refusal(
          'conflict',
          `"${environment.name}" is the fallback of ${dependents.slice(0, 20).join(', ')}. Change their fallback first.`,
          { fields: { environments: dependents } },
        );
      }
      await operations.deleteEnvironment(id);
      transaction.record(id, []);
    });
    this.#notifyLost(id, () => true);
  }

  /**
   * Calls `listener` once the caller loses the environment: it was deleted, or its new name is not one that the caller
   * may use. Returns a function that stops listening.
   */
  onLost(principal: Principal, id: string, listener: () => void): () => void {
    return this.#watchers.add(id, { principal, listener });
  }

  /** Ends the streams of an environment, or of all. */
  endStreams(id?: string): void {
    for (const one of id === undefined ? [...this.#watchers.keys()] : [id]) this.#notifyLost(one, () => true);
  }

  /** Ends the streams of an environment that may not be used under its present name. */
  async checkName(id: string): Promise<void> {
    const view = await this.#parts.views.read(id);
    this.#notifyLost(id, ({ principal }) => !mayUseEnvironment(principal, view?.environment.name ?? ''));
  }

  #notifyLost(id: string, isLost: (watcher: Watcher) => boolean): void {
    for (const watcher of [...this.#watchers.get(id)]) {
      if (isLost(watcher) && this.#watchers.delete(id, watcher)) watcher.listener();
    }
  }
}

/** A caller with an open stream of an environment. */
interface Watcher {
  principal: Principal;
  listener: () => void;
}

/** A fallback shares its values and secrets, so the caller must be allowed to read it. */
function requireFallbackAccess(principal: Principal, all: readonly Environment[], id: string | null): void {
  const fallback = all.find((entry) => entry.id === id);
  if (fallback === undefined || mayUseEnvironment(principal, fallback.name)) return;
  throw new Refusal(
    'forbidden',
    'Field "fallbackEnvironmentId" is an environment that this client may not use.',
  );
}

/** Refuses a cycle of fallbacks and a chain of more than {@link MAX_FALLBACKS}. */
function checkFallbacks(all: readonly Environment[], changed: Environment): void {
  if (changed.fallbackEnvironmentId === null) return;
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  if (!byId.has(changed.fallbackEnvironmentId)) {
    throw new Refusal(
      'not-found',
      'Field "fallbackEnvironmentId" is not the id of an environment of this organization.',
    );
  }
  for (const start of all) {
    const path = [start];
    let next = start.fallbackEnvironmentId;
    while (next !== null) {
      const entry = byId.get(next);
      if (entry === undefined) break;
      if (path.includes(entry)) {
        const names = [...path, entry].map(({ name }) => name).join(' → ');
        throw new Refusal('conflict', `Field "fallbackEnvironmentId" would create a cycle: ${names}.`);
      }
      path.push(entry);
      if (path.length > MAX_FALLBACKS + 1) {
        throw new Refusal(
          'conflict',
          `Field "fallbackEnvironmentId" would give "${start.name}" a chain of more than ${MAX_FALLBACKS} fallbacks.`,
        );
      }
      next = entry.fallbackEnvironmentId;
    }
  }
}

interface EffectiveEnvironment {
  environment: Environment;
  effective: EffectiveValues;
}

async function readAllEffective(
  operations: StorageOperations,
  environment: Environment,
): Promise<EffectiveEnvironment[]> {
  const all: EffectiveEnvironment[] = [];
  for (const entry of await readDependents(operations, environment)) {
    all.push({ environment: entry, effective: await readEffectiveValues(operations, entry) });
  }
  return all;
}

async function recordNewFallback(
  transaction: WriteTransaction,
  environment: Environment,
  before: readonly EffectiveEnvironment[],
): Promise<void> {
  for (const after of await readAllEffective(transaction.operations, environment)) {
    const unknown = findUnknownSegment(after.effective);
    if (unknown !== undefined) {
      throw new Refusal(
        'conflict',
        `Field "fallbackEnvironmentId": "${after.environment.name}" would lose the segment ` +
          `"${unknown.segment}", which is used by ${unknown.user}.`,
      );
    }
    const previous = before.find((entry) => entry.environment.id === after.environment.id);
    if (previous === undefined) continue;
    const tooLarge = findNewlyTooLarge(previous.effective, after.effective);
    if (tooLarge !== undefined) {
      throw new Refusal(
        'conflict',
        `Field "fallbackEnvironmentId": in "${after.environment.name}", ${tooLarge} would exceed the ` +
          'limit on conditions or nesting. Simplify its segments first.',
      );
    }
    const changes = diffEffectiveValues(previous.effective, after.effective);
    if (changes.length > 0) transaction.record(after.environment.id, changes);
  }
}
