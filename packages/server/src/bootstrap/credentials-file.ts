import { chmod, readFile, rename } from 'node:fs/promises';
import { ServerStartError } from '../errors.ts';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { isRecord } from '../lib/record.ts';
import { writeAtomically } from '../storage/data-files.ts';

/** What a tool needs to administer the server: the content of the credentials file. */
export interface ServerCredentials {
  apiUrl: string;
  authUrl: string;
  organizationId: string;
  clientId: string;
  clientSecret: string;
}

/** The default path of the credentials file of a database. */
export function credentialsFileOf(db: string): string {
  return `${db}.credentials.json`;
}

/** The content of a credentials file; `foreign` is a file with other content, or a damaged one. */
export type FoundCredentials = ServerCredentials | 'absent' | 'foreign';

/** Reads a credentials file and makes it private to its owner (mode 0600). */
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
 * Writes a credentials file (mode 0600) atomically.
 * @throws {ServerStartError} if it cannot be written, or would replace a file with other content
 */
export async function writeCredentialsFile(file: string, credentials: ServerCredentials): Promise<void> {
  if ((await readCredentialsFile(file)) === 'foreign') {
    throw new ServerStartError(
      'ERR_CREDENTIALS_FILE',
      `The file ${file} exists but does not contain credentials of this server. It was not changed: ` +
        'move it away, or choose another credentials file.',
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
