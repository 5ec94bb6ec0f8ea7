import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, stat } from 'node:fs/promises';
import { errorCode } from '../lib/error-code.ts';
import { writeAtomically } from './data-files.ts';
import { StorageError } from './storage-error.ts';

/** The environment variable that holds the encryption key: base64 of exactly 32 bytes. */
export const ENCRYPTION_KEY_VARIABLE = 'SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY';

const KEY_BYTES = 32;
const KEY_TEXT = /^[A-Za-z0-9+/_-]{43}=?$/;
const LONGEST_KEY_FILE = 1024;

/** The path of the key file that belongs to a database file. */
export function encryptionKeyFile(file: string): string {
  return `${file}.key`;
}

/**
 * Finds the key that seals the secrets of a database: the variable {@link ENCRYPTION_KEY_VARIABLE} if it is set, else the
 * file `<file>.key`, which is created (mode 0600) when neither it nor the database is there. For `:memory:` without the
 * variable it is a fresh random key.
 *
 * @throws {StorageError} for a key that is no base64 of 32 bytes, a key file that others can read, or a key file that
 * is missing while its database exists.
 */
export async function loadEncryptionKey(options: {
  /** The database file, or `:memory:`. */
  file: string;
  /** Default `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}): Promise<Buffer> {
  const text = (options.env ?? process.env)[ENCRYPTION_KEY_VARIABLE]?.trim();
  if (text) return parseKey(text, ENCRYPTION_KEY_VARIABLE);
  if (options.file === ':memory:') return randomBytes(KEY_BYTES);

  const keyFile = encryptionKeyFile(options.file);
  const existing = await readKeyFile(keyFile);
  if (existing) return existing;
  if (await hasData(options.file)) {
    throw new StorageError(
      'ERR_ENCRYPTION_KEY_MISSING',
      `The database ${options.file} exists, but its encryption key file ${keyFile} does not. ` +
        `Put the key file back from a backup, or set ${ENCRYPTION_KEY_VARIABLE}.`,
    );
  }
  await createKeyFile(keyFile);
  const created = await readKeyFile(keyFile);
  if (created) return created;
  throw new StorageError('ERR_ENCRYPTION_KEY_MISSING', `The encryption key file ${keyFile} vanished.`);
}

function parseKey(text: string, where: string): Buffer {
  const key = KEY_TEXT.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key?.length === KEY_BYTES) return key;
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_INVALID',
    `${where} is no encryption key: it must be the base64 of exactly ${KEY_BYTES} bytes ` +
      `("openssl rand -base64 ${KEY_BYTES}" makes one).`,
  );
}

async function readKeyFile(keyFile: string): Promise<Buffer | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(keyFile, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new StorageError('ERR_ENCRYPTION_KEY_INVALID', `The key file ${keyFile} cannot be read.`, {
      cause,
    });
  }
  try {
    // Asked of the open file, not of the path, which could be exchanged in between.
    const { mode, size, uid } = await handle.stat();
    refuseExposed(keyFile, mode, uid);
    if (size > LONGEST_KEY_FILE) return parseKey('', `The key file ${keyFile}`);
    return parseKey((await handle.readFile('utf8')).trim(), `The content of the key file ${keyFile}`);
  } finally {
    await handle.close();
  }
}

// As ssh does for its keys; a file of another owner (root:app, 0640) may be readable by a group.
function refuseExposed(keyFile: string, mode: number, uid: number): void {
  if (process.platform === 'win32') return;
  const forbidden = uid === process.getuid?.() ? 0o077 : 0o007;
  if ((mode & forbidden) === 0) return;
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_EXPOSED',
    `The key file ${keyFile} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others can get at the key. ` +
      `Run: chmod 600 ${keyFile}`,
  );
}

/** Leaves the file of another process in place when both create it at once. */
async function createKeyFile(keyFile: string): Promise<void> {
  const text = `${randomBytes(KEY_BYTES).toString('base64')}\n`;
  await writeAtomically(keyFile, text, async (draft) => {
    // Unlike a rename, a link never replaces an existing file.
    await link(draft, keyFile).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  });
}

async function hasData(file: string): Promise<boolean> {
  try {
    return (await stat(file)).size > 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
