import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations } from '../storage/storage.ts';
import { Refusal } from './refusal.ts';

/**
 * Finds an environment that the caller may use, by its name.
 * @throws {Refusal} 403 where the caller is limited to others, 404 where there is none of that name.
 */
export async function findEnvironmentByName(
  operations: StorageOperations,
  principal: Principal,
  name: string,
): Promise<Environment> {
  requireEnvironmentAccess(principal, name);
  const environment = await operations.findEnvironmentByName(principal.organizationId, name);
  if (environment === undefined) throw new Refusal('not-found', `There is no environment "${clip(name)}".`);
  return environment;
}

/**
 * Finds an environment that the caller may use, by its id; `field` names where the id came from.
 * @throws {Refusal} 404 for an unknown id and for one of another organization, 403 where the caller is limited.
 */
export async function findEnvironmentById(
  operations: StorageOperations,
  principal: Principal,
  { id, field }: { id: string; field: string },
): Promise<Environment> {
  const environment = await operations.findEnvironment(id);
  if (environment === undefined || environment.organizationId !== principal.organizationId) {
    throw new Refusal('not-found', `"${field}" names no environment of this organization.`);
  }
  requireEnvironmentAccess(principal, environment.name);
  return environment;
}

/** @throws {Refusal} 403 where the caller is limited to other environments. */
export function requireEnvironmentAccess(principal: Principal, name: string): void {
  if (!mayUseEnvironment(principal, name)) {
    throw new Refusal('forbidden', `This client may not use the environment "${clip(name)}".`);
  }
}

/** Whether the caller is not limited to other environments. */
export function mayUseEnvironment(principal: Principal, name: string): boolean {
  return principal.environments === undefined || principal.environments.includes(name);
}

/**
 * What every environment shares (schemas, the list of environments and their names) is not for a client limited to some of them.
 * @throws {Refusal} 403 where the caller is limited.
 */
export function requireAllEnvironments(principal: Principal, action: string): void {
  if (principal.environments !== undefined) {
    throw new Refusal(
      'forbidden',
      `This client is limited to some environments, so it may not ${action}. Use one with the scope config:write for all environments.`,
    );
  }
}
