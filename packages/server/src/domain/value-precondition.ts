import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Environment, StorageOperations, StoredValue } from '../storage/storage.ts';
import { fallbackChain } from './effective-values.ts';
import { Refusal } from './refusal.ts';

/** What a write requires of the value that is there before. */
export interface Precondition {
  /** The environment must serve a value with one of these versions, or any value. */
  ifMatch?: readonly string[] | 'any';
  /** The environment must not have a value of its own. */
  isNew?: boolean;
}

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

/**
 * Checks the precondition of a write. Call it in the transaction of the write, so that of several writers that expect the
 * same version only the first one succeeds.
 * @throws {Refusal} `precondition-failed`, naming who wrote the value that is there, and when, but never the value
 */
export async function requirePrecondition(operations: StorageOperations, target: Target): Promise<void> {
  const { environment, key, precondition } = target;
  if (precondition === undefined) return;
  const { ifMatch, isNew = false } = precondition;
  if (isNew) {
    const own = await operations.findValue(environment.id, key);
    if (own !== undefined) throw await refusalOf(operations, target, own);
  }
  if (ifMatch === undefined) return;
  const served = await findServedValue(operations, environment, key);
  const isMatch =
    served !== undefined && (ifMatch === 'any' || ifMatch.includes(operations.versionOf(served)));
  if (!isMatch) throw await refusalOf(operations, target, served);
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

async function refusalOf(
  operations: StorageOperations,
  { principal, environment, key, precondition }: Target,
  served: StoredValue | undefined,
): Promise<Refusal> {
  const subject = `"${clip(key)}" in "${environment.name}"`;
  if (served === undefined) {
    const message = `${subject} has no value. It may have been deleted since it was read. To create it, send the request without If-Match.`;
    return new Refusal('precondition-failed', message);
  }
  const writer = await operations.findAuthClient(served.updatedBy);
  const name = writer === undefined ? served.updatedBy : `"${writer.name}" (${writer.id})`;
  const problem = precondition?.isNew
    ? `${subject} has a value already`
    : `${subject} has changed since it was read`;
  return new Refusal(
    'precondition-failed',
    `${problem}: the client ${name} wrote it at ${served.updatedAt}. Read it again, decide, and send the request with its new ETag.`,
    {
      fields: {
        ...(mayKnowVersion(principal, served) && { version: operations.versionOf(served) }),
        updatedBy: served.updatedBy,
        ...(writer !== undefined && { updatedByName: writer.name }),
        updatedAt: served.updatedAt,
      },
    },
  );
}
