import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations, StoredValue } from '../storage/storage.ts';
import { fallbackChain } from './effective-values.ts';
import { type Precondition, type Present, requirePrecondition } from './precondition.ts';

const PHRASES = { exists: 'has a value already', isMissing: 'has no value' };

/**
 * Whether a machine client may know the version of a value. Equal secrets have equal versions, so a client that can only write
 * could try values until it finds the version of a secret that it may not read.
 */
export function mayKnowVersion({ scopes }: Principal, { tier }: Pick<StoredValue, 'tier'>): boolean {
  return tier !== 'secret' || scopes.has('config:read');
}

/** The value that a write would replace. */
interface Target {
  principal: Principal;
  environment: Environment;
  key: string;
  precondition: Precondition | undefined;
}

/** Checks the precondition of a write of a value. @throws {Refusal} as {@link requirePrecondition} */
export async function requireValuePrecondition(
  operations: StorageOperations,
  { principal, environment, key, precondition }: Target,
): Promise<void> {
  if (precondition === undefined) return;
  const stored = await findServedValue(operations, environment, key);
  const served: Present | undefined = stored && {
    version: operations.versionOf(stored),
    isHidden: !mayKnowVersion(principal, stored),
    updatedBy: stored.updatedBy,
    updatedAt: stored.updatedAt,
  };
  await requirePrecondition(operations, precondition, {
    subject: `"${clip(key)}" in "${environment.name}"`,
    phrases: PHRASES,
    own: stored?.environmentId === environment.id ? served : undefined,
    served,
  });
}

/** The value of the environment itself, or of the first fallback that has one. */
async function findServedValue(
  operations: StorageOperations,
  environment: Environment,
  key: string,
): Promise<StoredValue | undefined> {
  for (const { id } of await fallbackChain(operations, environment)) {
    const value = await operations.findValue(id, key);
    if (value !== undefined) return value;
  }
  return undefined;
}
