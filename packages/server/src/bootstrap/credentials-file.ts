import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ServerStartError } from '../errors.ts';
import { hasErrorCode, makeDirectory, syncDirectory } from '../storage/data-files.ts';

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
    return hasErrorCode(error, 'ENOENT') ? 'absent' : 'foreign';
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
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await makeDirectory(dirname(file));
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(credentials, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    await syncDirectory(dirname(file));
  } catch (cause) {
    await rm(draft, { force: true });
    const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new ServerStartError(
      'ERR_CREDENTIALS_FILE',
      `The credentials file ${file} cannot be written${reason}.`,
      { cause },
    );
  }
}

function parse(text: string): ServerCredentials | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const fields: Partial<Record<keyof ServerCredentials, unknown>> = value;
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = fields;
    if (typeof apiUrl !== 'string' || typeof authUrl !== 'string') return undefined;
    if (typeof organizationId !== 'string' || typeof clientId !== 'string') return undefined;
    if (typeof clientSecret !== 'string') return undefined;
    return { apiUrl, authUrl, organizationId, clientId, clientSecret };
  } catch {
    return undefined;
  }
}
