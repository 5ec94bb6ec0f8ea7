import { link, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ServerStartError } from '../errors.ts';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { ENCRYPTION_KEY_VARIABLE, encryptionKeyFile } from '../storage/encryption-key.ts';
import { credentialsFileOf, readCredentialsFile } from './credentials-file.ts';

/** The files of a start. */
export interface StartFiles {
  /** The database file, or `:memory:`. */
  db: string;
  credentialsFile: string | undefined;
  /** Whether to begin with a new organization although the files show that there was a database. */
  beginAnew: boolean;
  env: Readonly<Record<string, string | undefined>>;
}

/** A file that was moved aside. */
export interface MovedFile {
  from: string;
  to: string;
}

/**
 * Refuses to begin with a new organization in the place of a database that was lost: its file is missing or empty, but
 * other files show that it existed. Call it before anything is created. With `beginAnew`, those files are moved aside and
 * returned.
 *
 * A first start that is cut off leaves only what the next one accepts: a key file, then a database with a header, then
 * credentials beside it.
 * @throws {ServerStartError} `ERR_DATABASE_MISSING`, naming what is missing
 */
export async function refuseLostDatabase(files: StartFiles): Promise<MovedFile[]> {
  const { db, beginAnew } = files;
  if (db === ':memory:') {
    await refuseCredentialsOfOther(files.credentialsFile);
    return [];
  }
  // Before the database: another server that starts at the same time creates the database first.
  const traces = await findTraces(files);
  const size = await sizeOf(db);
  if (size !== undefined && size > 0) return [];
  const hasKey = (await sizeOf(encryptionKeyFile(db))) !== undefined;
  const isEmptied = size === 0 && hasKey;
  if (traces.length === 0 && !isEmptied) return [];
  if (beginAnew) return Promise.all(traces.map(moveAside));
  throw lostDatabase(files, { size, hasKey, traces });
}

/** Files that only exist if there was a database. */
async function findTraces({ db, credentialsFile }: StartFiles): Promise<string[]> {
  const traces: string[] = [];
  // As full paths, so that the same file is named once.
  const files = [credentialsFileOf(db), ...(credentialsFile === undefined ? [] : [credentialsFile])];
  const candidates = new Set(files.map((file) => resolve(file)));
  for (const file of candidates) {
    const found = await readCredentialsFile(file);
    if (found !== 'absent' && found !== 'foreign') traces.push(file);
  }
  const log = resolve(`${db}-wal`);
  if (((await sizeOf(log)) ?? 0) > 0) traces.push(log);
  return traces;
}

/** A server in memory has a new organization in each start, so it must not replace the credentials of a database. */
async function refuseCredentialsOfOther(credentialsFile: string | undefined): Promise<void> {
  const suffix = credentialsFileOf('');
  if (credentialsFile?.endsWith(suffix) !== true) return;
  const owner = credentialsFile.slice(0, -suffix.length);
  if ((await sizeOf(owner)) === undefined) return;
  throw new ServerStartError(
    'ERR_CREDENTIALS_FILE',
    `The credentials file ${credentialsFile} belongs to the database ${owner}. A server in memory would replace it: ` +
      'choose another credentials file.',
  );
}

function lostDatabase(
  { db, env }: StartFiles,
  { size, hasKey, traces }: { size: number | undefined; hasKey: boolean; traces: readonly string[] },
): ServerStartError {
  const keyFile = encryptionKeyFile(db);
  const needsKey = !hasKey && !env[ENCRYPTION_KEY_VARIABLE]?.trim();
  const missing = [
    `the database ${resolve(db)}${size === 0 ? ' (the file is empty)' : ''}`,
    ...(needsKey ? [`its key file ${resolve(keyFile)}`] : []),
  ];
  const evidence = [...traces, ...(hasKey ? [resolve(keyFile)] : [])];
  const shown = `${listText(evidence)} ${evidence.length === 1 ? 'shows' : 'show'}`;
  return new ServerStartError(
    'ERR_DATABASE_MISSING',
    `Missing: ${missing.join(' and ')}. There was a database, as ${shown}. Nothing was changed. ` +
      'Put what is missing back from a backup, or check the path. To begin with a new organization instead, start once ' +
      'with --begin-anew (option beginAnew), which keeps the old credentials file under another name.',
  );
}

function listText(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** Gives a file a new name beside its old one, and never replaces another file. */
export async function moveAside(file: string): Promise<MovedFile> {
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
  for (let attempt = 0; ; attempt += 1) {
    const to = `${file}.${stamp}${attempt === 0 ? '' : `-${attempt}`}.old`;
    try {
      await link(file, to);
      await rm(file);
      return { from: file, to };
    } catch (cause) {
      if (errorCode(cause) === 'EEXIST' && attempt < 100) continue;
      const message = `The file ${file} cannot be moved aside${codeSuffix(cause)}.`;
      throw new ServerStartError('ERR_CREDENTIALS_FILE', message, { cause });
    }
  }
}

/** In bytes; undefined for a file that does not exist. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const stats = await stat(file);
    if (!stats.isDirectory()) return stats.size;
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(cause) ?? '')) return undefined;
    const message = `The file ${file} cannot be read${codeSuffix(cause)}.`;
    throw new ServerStartError('ERR_DATABASE_UNAVAILABLE', message, { cause });
  }
  const advice = `Name a file in it, such as ${join(file, 'config.db')}.`;
  throw new ServerStartError('ERR_DATABASE_UNAVAILABLE', `${file} is a folder. ${advice}`);
}
