import type { StorageOperations } from '../storage/storage.ts';
import { Refusal } from './refusal.ts';

/** What a write requires of what is there before. */
export interface Precondition {
  /** The environment or organization must have one of these versions, own or inherited, or any. */
  ifMatch?: readonly string[] | 'any';
  /** The environment must not have one of its own. */
  isNew?: boolean;
}

/** A value, segment or schema that a write would replace. */
export interface Present {
  version: string;
  /** Whether the caller may not know the version. */
  isHidden?: boolean;
  /** The id of the client that wrote it, if it is known. */
  updatedBy?: string | undefined;
  updatedAt: string;
}

/** The place that a write is about, and what is there. */
export interface Occupied {
  /** Begins a message, such as `"theme" in "development"`. */
  subject: string;
  /** Continues the subject. */
  phrases: { exists: string; isMissing: string };
  /** What the environment itself has. */
  own: Present | undefined;
  /** What it serves: its own, or an inherited one. */
  served: Present | undefined;
}

/**
 * Checks the precondition of a write. Call it in the transaction of the write, so that of several writers that expect the
 * same version only the first one succeeds.
 * @throws {Refusal} `precondition-failed`, naming who wrote what is there, and when, but never its content
 */
export async function requirePrecondition(
  operations: StorageOperations,
  { ifMatch, isNew = false }: Precondition,
  { subject, phrases, own, served }: Occupied,
): Promise<void> {
  if (isNew && own !== undefined) throw await refusalOf(operations, `${subject} ${phrases.exists}`, own);
  if (ifMatch === undefined) return;
  if (served === undefined) {
    const message = `${subject} ${phrases.isMissing}. It may have been deleted since it was read. To create it, send the request without If-Match.`;
    throw new Refusal('precondition-failed', message);
  }
  if (ifMatch === 'any' || ifMatch.includes(served.version)) return;
  throw await refusalOf(operations, `${subject} has changed since it was read`, served);
}

async function refusalOf(
  operations: StorageOperations,
  problem: string,
  { version, isHidden = false, updatedBy, updatedAt }: Present,
): Promise<Refusal> {
  const writer = updatedBy === undefined ? undefined : await operations.findAuthClient(updatedBy);
  const name = writer === undefined ? updatedBy : `"${writer.name}" (${writer.id})`;
  const write =
    name === undefined ? `it was written at ${updatedAt}` : `the client ${name} wrote it at ${updatedAt}`;
  return new Refusal(
    'precondition-failed',
    `${problem}: ${write}. Read it again, decide, and send the request with its new ETag.`,
    {
      fields: {
        ...(!isHidden && { version }),
        ...(updatedBy !== undefined && { updatedBy }),
        ...(writer !== undefined && { updatedByName: writer.name }),
        updatedAt,
      },
    },
  );
}
