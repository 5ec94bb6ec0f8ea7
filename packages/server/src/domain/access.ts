import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations } from '../storage/storage.ts';
import { Refusal } from './refusal.ts';

/**
 * Finds an environment by its name.
 * @throws {Refusal} `forbidden` if the caller is limited to other environments, `not-found` if there is none
 */
export async function findEnvironmentByName(
  operations: StorageOperations,
  principal: Principal,
  name: string,
): Promise<Environment> {
  requireEnvironmentAccess(principal, name);
  const environment = await operations.findEnvironmentByName(principal.organizationId, name);
  if (environment === undefined)
    throw new Refusal('not-found', `The environment "${clip(name)}" does not exist.`);
  return environment;
}

/**
 * Finds an environment by its id.
 * @param target `field` is the field of the request that contains the id, for the error message
 * @throws {Refusal} `not-found` for an id that the organization does not have, `forbidden` if the caller is limited to
 * other environments
 */
export async function findEnvironmentById(
  operations: StorageOperations,
  principal: Principal,
  { id, field }: { id: string; field: string },
): Promise<Environment> {
  const environment = await operations.findEnvironment(id);
  if (environment === undefined || environment.organizationId !== principal.organizationId) {
    throw new Refusal('not-found', `Field "${field}" is not the id of an environment of this organization.`);
  }
  requireEnvironmentAccess(principal, environment.name);
  return environment;
}

/**
 * Finds the environment that a path names by its id.
 * @throws {Refusal} as {@link findEnvironmentById}
 */
export async function findEnvironment(
  operations: StorageOperations,
  principal: Principal,
  id: string,
): Promise<Environment> {
  const environment = await operations.findEnvironment(id);
  if (environment === undefined || environment.organizationId !== principal.organizationId) {
    throw new Refusal('not-found', `An environment with the id "${clip(id)}" does not exist.`);
  }
  requireEnvironmentAccess(principal, environment.name);
  return environment;
}

/** @throws {Refusal} `forbidden` if the caller is limited to other environments */
export function requireEnvironmentAccess(principal: Principal, name: string): void {
  if (!mayUseEnvironment(principal, name)) {
    throw new Refusal('forbidden', `This client may not use the environment "${clip(name)}".`);
  }
}

/** Whether the caller may use the environment of that name. */
export function mayUseEnvironment(principal: Pick<Principal, 'environments'>, name: string): boolean {
  return principal.environments === undefined || principal.environments.includes(name);
}

/**
 * Protects what all environments share (schemas, the list of environments and their names) from clients that are
 * limited to some of them.
 * @throws {Refusal} `forbidden` if the caller is limited to some environments
 */
export function requireAllEnvironments(principal: Principal, action: string): void {
  if (principal.environments !== undefined) {
    throw new Refusal(
      'forbidden',
      `This client is limited to some environments, so it may not ${action}. ` +
        'Use one with the scope config:write for all environments.',
    );
  }
}
