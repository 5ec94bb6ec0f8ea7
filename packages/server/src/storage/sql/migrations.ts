import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import { StorageError } from '../storage-error.ts';
import type { Tables } from './tables.ts';

/** One step of the database schema. A published step never changes; a new one gets the next version. */
export interface Migration {
  version: number;
  name: string;
  up(transaction: Transaction<Tables>, engine: SqlEngine): Promise<void>;
}

export type SqlEngine = 'sqlite' | 'postgres';

/** How {@link migrate} runs. */
export interface MigrationOptions {
  engine: SqlEngine;
  /** Runs first in the transaction, for example to wait until no other process migrates. */
  lock?: (transaction: Transaction<Tables>) => Promise<void>;
  /** Rolls back at the end, so that the result says what would be done and nothing is changed (default false). */
  isDryRun?: boolean;
  migrations?: readonly Migration[];
}

const FIRST_TABLES = [
  `create table organizations (
    id text primary key not null,
    name text not null,
    created_at text not null
  )`,
  `create table environments (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    name text not null,
    description text,
    fallback_environment_id text references environments (id),
    revision bigint not null,
    pruned_revision bigint not null default 0,
    created_at text not null,
    updated_at text not null,
    unique (organization_id, name)
  )`,
  `create table schemas (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    name text not null,
    description text,
    current_version integer not null,
    json_schema text not null,
    created_by text not null,
    created_at text not null,
    updated_at text not null,
    unique (organization_id, name)
  )`,
  `create table schema_versions (
    schema_id text not null references schemas (id) on delete cascade,
    version integer not null,
    json_schema text not null,
    change_description text,
    created_by text not null,
    created_at text not null,
    primary key (schema_id, version)
  )`,
  `create table config_values (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    schema_id text not null references schemas (id) on delete cascade,
    environment_id text not null references environments (id) on delete cascade,
    key text not null,
    value text not null,
    tier text not null,
    updated_by text not null,
    created_at text not null,
    updated_at text not null,
    unique (environment_id, key)
  )`,
  'create index config_values_of_schema on config_values (schema_id)',
  `create table segments (
    organization_id text not null references organizations (id) on delete cascade,
    environment_id text not null references environments (id) on delete cascade,
    name text not null,
    condition text not null,
    description text,
    updated_by text not null,
    created_at text not null,
    updated_at text not null,
    primary key (environment_id, name)
  )`,
  `create table changes (
    environment_id text not null references environments (id) on delete cascade,
    revision bigint not null,
    changes text not null,
    at text not null,
    primary key (environment_id, revision)
  )`,
  `create table auth_clients (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    type text not null,
    name text not null,
    credential_hash text not null unique,
    environments text,
    scopes text not null,
    allowed_origins text not null,
    created_at text not null,
    revoked_at text
  )`,
  'create index auth_clients_of_organization on auth_clients (organization_id)',
  `create table signing_keys (
    kid text primary key not null,
    sealed_jwk text not null,
    created_at text not null
  )`,
  `create table revoked_tokens (
    jti text primary key not null,
    expires_at_sec bigint not null
  )`,
  'create index revoked_tokens_by_expiry on revoked_tokens (expires_at_sec)',
  `create table facts (
    name text primary key not null,
    value text not null
  )`,
];

const FOR_REPLICAS = [
  'alter table changes add column needs_reload integer not null default 0',
  `create table access_changes (
    revision bigint primary key not null,
    kind text not null,
    id text not null,
    may_do_less integer not null
  )`,
];

/** Every step, oldest first. The statements work in SQLite and in Postgres. */
const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'first tables',
    up: (transaction, engine) => runStatements(transaction, FIRST_TABLES, engine),
  },
  {
    version: 2,
    name: 'changes for replicas',
    up: (transaction, engine) => runStatements(transaction, FOR_REPLICAS, engine),
  },
];

/** The version that {@link migrate} leads to. */
export const NEWEST_VERSION: number = Math.max(...MIGRATIONS.map(({ version }) => version));

/** Texts are sorted by their bytes in both, whatever the locale of a PostgreSQL database. */
async function runStatements(
  transaction: Transaction<Tables>,
  statements: readonly string[],
  engine: SqlEngine,
): Promise<void> {
  for (const statement of statements) {
    const text = engine === 'postgres' ? statement.replaceAll(/ text\b/g, ' text collate "C"') : statement;
    await sql.raw(text).execute(transaction);
  }
}

/**
 * Migrates a database to the newest version and checks its encryption key, in one transaction that changes everything
 * or nothing. Returns the steps that were applied.
 *
 * @throws {StorageError} for a database of a newer server, or one that was created with another encryption key
 */
export async function migrate(
  db: Kysely<Tables>,
  box: SecretBox,
  { engine, lock, isDryRun = false, migrations = MIGRATIONS }: MigrationOptions,
): Promise<Pick<Migration, 'version' | 'name'>[]> {
  const applied: Pick<Migration, 'version' | 'name'>[] = [];
  const work = async (transaction: Transaction<Tables>): Promise<void> => {
    await lock?.(transaction);
    const current = await currentVersion(transaction);
    refuseNewer('The database', current, migrations.at(-1)?.version ?? 0);
    for (const migration of migrations.filter(({ version }) => version > current)) {
      await migration.up(transaction, engine);
      const { version, name } = migration;
      const appliedAt = new Date().toISOString();
      await transaction.insertInto('migrations').values({ version, name, appliedAt }).execute();
      applied.push({ version, name });
    }
    await checkEncryptionKey(transaction, box);
    if (isDryRun) throw new DryRunEnd();
  };
  await db
    .transaction()
    .execute(work)
    .catch((error: unknown) => {
      if (!(error instanceof DryRunEnd)) throw error;
    });
  return applied;
}

/** Rolls back a dry run. */
class DryRunEnd extends Error {}

/** @throws {StorageError} if `subject` has a version that this program does not know */
export function refuseNewer(subject: string, current: number, newest: number = NEWEST_VERSION): void {
  if (current <= newest) return;
  throw new StorageError(
    'ERR_STORAGE_NEWER',
    `${subject} has version ${current}; this server knows versions up to ${newest}. ` +
      'It was not changed: start a newer server, or restore a backup from this one.',
  );
}

async function currentVersion(transaction: Transaction<Tables>): Promise<number> {
  await sql`create table if not exists migrations (
    version integer primary key not null,
    name text not null,
    applied_at text not null
  )`.execute(transaction);
  const row = await transaction
    .selectFrom('migrations')
    .select((builder) => builder.fn.max('version').as('version'))
    .executeTakeFirst();
  return row?.version ?? 0;
}

/**
 * The version of a database that is only read.
 * @throws {StorageError} for one without tables, of a newer server, or with another encryption key
 */
export async function requireDatabase(transaction: Transaction<Tables>, box: SecretBox): Promise<number> {
  const tables = await transaction.introspection.getTables();
  if (!tables.some(({ name }) => name === 'facts')) {
    throw new StorageError('ERR_STORAGE_FOREIGN', 'The database is empty: no server has used it.');
  }
  const newest = transaction
    .selectFrom('migrations')
    .select((builder) => builder.fn.max('version').as('version'));
  const { version } = await newest.executeTakeFirstOrThrow();
  refuseNewer('The database', version);
  const facts = transaction.selectFrom('facts').select('value').where('name', '=', CHECK_NAME);
  requireKey((await facts.executeTakeFirst())?.value ?? '', box);
  return version;
}

/** The fact with a known text, sealed with the key of the database. */
export const CHECK_NAME = 'encryption-check';

/** Stores a known text, sealed, so that a wrong key is found at the start, not when a secret is read. */
async function checkEncryptionKey(transaction: Transaction<Tables>, box: SecretBox): Promise<void> {
  const row = await transaction
    .selectFrom('facts')
    .select('value')
    .where('name', '=', CHECK_NAME)
    .executeTakeFirst();
  if (!row) {
    const value = box.seal(CHECK_NAME, [CHECK_NAME]);
    await transaction.insertInto('facts').values({ name: CHECK_NAME, value }).execute();
    return;
  }
  requireKey(row.value, box);
}

/**
 * @param check the value of the fact {@link CHECK_NAME}
 * @throws {StorageError} if it was sealed with another key
 */
export function requireKey(check: string, box: SecretBox): void {
  try {
    box.open(check, [CHECK_NAME]);
  } catch (cause) {
    throw new StorageError(
      'ERR_ENCRYPTION_KEY_WRONG',
      'The encryption key is not the one that this database was created with. ' +
        'Nothing was changed: start the server with the right key, or restore the key file of the database.',
      { cause },
    );
  }
}
