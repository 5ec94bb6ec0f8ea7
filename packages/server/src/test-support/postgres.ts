import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../../../scripts/free-port.mjs';

const run = promisify(execFile);
const HOME = '/usr/lib/postgresql';

/** The folder with the newest PostgreSQL of Debian; undefined if there is none. */
function findBinaries(): string | undefined {
  const versions = existsSync(HOME) ? readdirSync(HOME) : [];
  const [newest] = versions
    .filter((version) => existsSync(join(HOME, version, 'bin', 'initdb')))
    .sort((one, other) => Number(other) - Number(one));
  return newest === undefined ? undefined : join(HOME, newest, 'bin');
}

const binaries = findBinaries();

/** Whether tests with PostgreSQL can run. CI must not leave them out. */
export const hasPostgres: boolean = binaries !== undefined;
if (!hasPostgres && process.env.CI) {
  throw new Error(`PostgreSQL is not in ${HOME}. CI needs it: apt-get install postgresql.`);
}

/** A PostgreSQL of the tests' own, on the loopback interface. */
export interface TestPostgres {
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** Runs one statement in a database. */
  query(url: string, statement: string): Promise<Record<string, unknown>[]>;
  /** `immediate` is like a crash. */
  halt(mode?: 'fast' | 'immediate'): Promise<void>;
  resume(): Promise<void>;
  /** Stops it and deletes its files. */
  remove(): Promise<void>;
}

/**
 * Starts a PostgreSQL in a temporary folder, as the user `postgres` if the tests run as root, whom PostgreSQL refuses.
 *
 * @param settings further settings. The default turns `fsync` off, for speed; a test of crashes of the machine needs it
 */
export async function startPostgres(settings: readonly string[] = ['fsync=off']): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'config-postgres-'));
  await giveToPostgres(folder);
  const data = join(folder, 'data');
  const port = await freePort(0);
  await runTool('initdb', [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  const options = [
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'listen_addresses=127.0.0.1',
    ...settings,
  ];
  const flags = options.map((option) => `-c ${option}`).join(' ');
  const resume = () =>
    runTool('pg_ctl', ['-D', data, '-w', '-s', '-l', join(folder, 'log'), '-o', flags, 'start']);
  const halt = (mode = 'fast') => runTool('pg_ctl', ['-D', data, '-w', '-s', '-m', mode, 'stop']);
  await resume();
  const urlOf = (name: string): string => `postgres://postgres@127.0.0.1:${port}/${name}`;
  return {
    resume,
    halt,
    query: queryOnce,
    async createDatabase() {
      const name = `config_${randomBytes(6).toString('hex')}`;
      await queryOnce(urlOf('postgres'), `create database ${name}`);
      return urlOf(name);
    },
    async remove() {
      // It may have been halted by the test.
      await halt('immediate').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function queryOnce(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement);
    return rows;
  } finally {
    await client.end();
  }
}

async function giveToPostgres(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { stdout: user } = await run('id', ['-u', 'postgres']);
  const { stdout: group } = await run('id', ['-g', 'postgres']);
  await chown(folder, Number(user), Number(group));
}

async function runTool(name: string, args: readonly string[]): Promise<void> {
  const command = join(binaries ?? '', name);
  const [file, rest] =
    process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', command]] : [command, []];
  await run(file, [...rest, ...args], { cwd: '/' });
}
