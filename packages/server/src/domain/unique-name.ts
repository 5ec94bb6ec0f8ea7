import { clip } from '../lib/clip.ts';
import { UniqueViolationError } from '../storage/storage.ts';
import { Refusal } from './refusal.ts';

/**
 * Runs a write that gives an environment or a schema its name.
 * @throws {Refusal} `conflict` if another one has that name
 */
export async function writeName(
  kind: 'environment' | 'schema',
  name: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof UniqueViolationError)) throw error;
    const article = kind === 'environment' ? 'an' : 'a';
    throw new Refusal('conflict', `Field "name": there is ${article} ${kind} "${clip(name)}" already.`);
  }
}
