import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, stat } from 'node:fs/promises';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { writeAtomically } from './data-files.ts';
import { StorageError } from './storage-error.ts';

/** The environment variable with the encryption key: the base64 of exactly 32 bytes. */
export const ENCRYPTION_KEY_VARIABLE = 'SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY';

const KEY_BYTES = 32;
const KEY_TEXT = /^[A-Za-z0-9+/_-]{43}=?$/;
const MAX_KEY_FILE_BYTES = 1024;

/** The path of the key file of a database. */
export function encryptionKeyFile(file: string): string {
  return `${file}.key`;
}

/** Where a key is looked for. */
export interface KeyOptions {
  /** The database file, or `:memory:`. */
  file: string;
  /** Environment variables (default `process.env`). */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds the key that encrypts the secrets of a database: the variable {@link ENCRYPTION_KEY_VARIABLE} if it is set,
 * otherwise the file `<file>.key`. If neither the key file nor the database exists, the key file is created (mode
 * 0600). For `:memory:` without the variable, the key is random.
 *
 * @throws {StorageError} for a key that is not the base64 of 32 bytes, a key file that others can read, or a missing
 * key file of an existing database
 */
export async function loadEncryptionKey(options: KeyOptions): Promise<Buffer> {
  const existing = await findEncryptionKey(options);
  if (existing) return existing;
  if (options.file === ':memory:') return randomBytes(KEY_BYTES);

  const keyFile = encryptionKeyFile(options.file);
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
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_MISSING',
    `The encryption key file ${keyFile} was deleted while the server started. Start the server again.`,
  );
}

/**
 * The key of a database, from the variable {@link ENCRYPTION_KEY_VARIABLE} or the file `<file>.key`; undefined if there is
 * neither.
 * @throws {StorageError} as {@link loadEncryptionKey}, for a key that is there
 */
export async function findEncryptionKey({
  file,
  env = process.env,
}: KeyOptions): Promise<Buffer | undefined> {
  const text = env[ENCRYPTION_KEY_VARIABLE]?.trim();
  if (text) return parseKey(text, ENCRYPTION_KEY_VARIABLE);
  return file === ':memory:' ? undefined : readKeyFile(encryptionKeyFile(file));
}

/**
 * {@link findEncryptionKey}, for a program that must not create one.
 * @throws {StorageError} `ERR_ENCRYPTION_KEY_MISSING` if there is none
 */
export async function requireEncryptionKey(options: KeyOptions): Promise<Buffer> {
  const key = await findEncryptionKey(options);
  if (key) return key;
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_MISSING',
    `The encryption key is missing. Put it into the file ${encryptionKeyFile(options.file)} (mode 0600), or set ` +
      `${ENCRYPTION_KEY_VARIABLE}.`,
  );
}

/**
 * Reads the key of a database that several servers share from the variable {@link ENCRYPTION_KEY_VARIABLE}: a key file
 * would have to be the same on each of their machines.
 * @throws {StorageError} if it is not set, or not the base64 of 32 bytes
 */
export function readSharedEncryptionKey(env: Readonly<Record<string, string | undefined>>): Buffer {
  const text = env[ENCRYPTION_KEY_VARIABLE]?.trim();
  if (text) return parseKey(text, ENCRYPTION_KEY_VARIABLE);
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_MISSING',
    `With PostgreSQL, set ${ENCRYPTION_KEY_VARIABLE} to the same key for every server: ` +
      `"openssl rand -base64 ${KEY_BYTES}" creates one. Keep a copy: without it the secrets are lost.`,
  );
}

function parseKey(text: string, where: string): Buffer {
  const key = KEY_TEXT.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key?.length === KEY_BYTES) return key;
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_INVALID',
    `${where} is not an encryption key. It must be the base64 of exactly ${KEY_BYTES} bytes: ` +
      `"openssl rand -base64 ${KEY_BYTES}" creates one.`,
  );
}

async function readKeyFile(keyFile: string): Promise<Buffer | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(keyFile, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new StorageError(
      'ERR_ENCRYPTION_KEY_INVALID',
      `The key file ${keyFile} cannot be read${codeSuffix(cause)}.`,
      {
        cause,
      },
    );
  }
  try {
    // From the open file, not the path, whose file could be replaced in between.
    const { mode, size, uid } = await handle.stat();
    refuseExposed(keyFile, mode, uid);
    if (size > MAX_KEY_FILE_BYTES) return parseKey('', `The key file ${keyFile}`);
    return parseKey((await handle.readFile('utf8')).trim(), `The content of the key file ${keyFile}`);
  } finally {
    await handle.close();
  }
}

// The same rule as ssh has for its keys, except that a file of another owner (root:app, 0640) may be group-readable.
function refuseExposed(keyFile: string, mode: number, uid: number): void {
  if (process.platform === 'win32') return;
  const forbidden = uid === process.getuid?.() ? 0o077 : 0o007;
  if ((mode & forbidden) === 0) return;
  throw new StorageError(
    'ERR_ENCRYPTION_KEY_EXPOSED',
    `The key file ${keyFile} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}, so other users can read or ` +
      `change the key. Run: chmod 600 ${keyFile}`,
  );
}

/** If two processes create the file at once, the first one wins. */
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
