import { chmod, readFile, rename } from 'node:fs/promises';
import { ServerStartError } from '../errors.ts';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { isRecord } from '../lib/record.ts';
import { writeAtomically } from '../storage/data-files.ts';

/** What a tool needs to administer the server; the content of the credentials file. */
export interface ServerCredentials {
  apiUrl: string;
  authUrl: string;
  organizationId: string;
  clientId: string;
  clientSecret: string;
}

/** The path of the credentials file that belongs to a database file. */
export function credentialsFileOf(db: string): string {
  return `${db}.credentials.json`;
}

/** What is at the path of a credentials file; `foreign` is a file of something else, or a damaged one. */
export type FoundCredentials = ServerCredentials | 'absent' | 'foreign';

/** Reads a credentials file, and takes it away from other users of the machine. */
export async function readCredentialsFile(file: string): Promise<FoundCredentials> {
  try {
    const credentials = parse(await readFile(file, 'utf8'));
    if (!credentials) return 'foreign';
    await chmod(file, 0o600);
    return credentials;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'absent' : 'foreign';
  }
}

/**
 * Writes a credentials file (mode 0600) so that a reader sees the old one or the new one, never half of one.
 * @throws {ServerStartError} when it cannot be written, or would replace a file of something else
 */
export async function writeCredentialsFile(file: string, credentials: ServerCredentials): Promise<void> {
  if ((await readCredentialsFile(file)) === 'foreign') {
    throw new ServerStartError(
      'ERR_CREDENTIALS_FILE',
      `The file ${file} is there and holds no credentials of this server, so it was left as it is. Move it away, or name another one for the credentials.`,
    );
  }
  try {
    await writeAtomically(file, `${JSON.stringify(credentials, undefined, 2)}\n`, (draft) =>
      rename(draft, file),
    );
  } catch (cause) {
    const message = `The credentials file ${file} cannot be written${codeSuffix(cause)}.`;
    throw new ServerStartError('ERR_CREDENTIALS_FILE', message, { cause });
  }
}

function parse(text: string): ServerCredentials | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = value;
    if (typeof apiUrl !== 'string' || typeof authUrl !== 'string') return undefined;
    if (typeof organizationId !== 'string' || typeof clientId !== 'string') return undefined;
    if (typeof clientSecret !== 'string') return undefined;
    return { apiUrl, authUrl, organizationId, clientId, clientSecret };
  } catch {
    return undefined;
  }
}
