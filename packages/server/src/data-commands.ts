import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { ServerStartError } from './errors.ts';
import { writingFile } from './storage/data-files.ts';
import { SecretBox } from './storage/encryption.ts';
import {
  findEncryptionKey,
  readSharedEncryptionKey,
  requireEncryptionKey,
} from './storage/encryption-key.ts';
import type { CopyProgress } from './storage/portable/copy-tables.ts';
import { withDatabaseCopy, withImportSource } from './storage/portable/import-source.ts';
import type { CopiedTable } from './storage/portable/portable-tables.ts';
import { writeExport } from './storage/portable/write-export.ts';
import { type DatabaseUrl, parseDatabaseUrl } from './storage/postgres/database-url.ts';
import { backupSqlite, restoreSqlite } from './storage/sqlite/backup.ts';
import { importIntoSqlite } from './storage/sqlite/import-into-sqlite.ts';
import { StorageError } from './storage/storage-error.ts';

/** The SQLite file of a server that is started without an option for it. */
export const DEFAULT_DB = './smooai-config.db';
const DATABASE_VARIABLE = 'SMOOAI_CONFIG_SERVER_DATABASE_URL';
const PROGRESS_EVERY_MS = 2_000;

/** A SQLite file or the URL of a PostgreSQL database, or neither. */
interface DatabaseChoice {
  db?: string;
  database?: string;
}

/** `--database`, or the variable for it. */
export function databaseOption(): Option {
  // Another user of the machine can read a command line, but not the environment.
  return new Option(
    '--database <url>',
    'PostgreSQL database instead of a SQLite file, shared by any number of servers: postgres://user:password@host/name',
  ).env(DATABASE_VARIABLE);
}

/** The commands that move data: `migrate`, `export`, `import`, `backup` and `restore`. */
export function addDataCommands(program: Command): void {
  // Options after the name of a command are its own, although the server has some of the same names.
  program.enablePositionalOptions();
  program.addCommand(migrateCommand());
  program.addCommand(exportCommand());
  program.addCommand(importCommand());
  program.addCommand(backupCommand());
  program.addCommand(restoreCommand());
}

function dataCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .helpOption('--help', 'print this help')
    .allowExcessArguments(false)
    .exitOverride();
}

function dbOption(description: string): Option {
  return new Option('--db <file>', `${description} (default: "${DEFAULT_DB}")`);
}

function migrateCommand(): Command {
  return dataCommand(
    'migrate',
    'Create or update the tables of a PostgreSQL database. A server also does this when it starts.',
  )
    .addOption(databaseOption().makeOptionMandatory())
    .option('--dry-run', 'run every step, roll it back, and say which steps there are')
    .action(async ({ database, dryRun = false }: { database: string; dryRun?: boolean }) => {
      const { label, url } = checkedUrl(database);
      const encryptionKey = readSharedEncryptionKey(process.env);
      const { migratePostgres } = await import('./storage/postgres/postgres-storage.ts');
      const steps = await migratePostgres({ url, encryptionKey, isDryRun: dryRun });
      const verb = dryRun ? 'would apply' : 'applied';
      for (const { version, name } of steps) print(`${label}: ${verb} step ${version}, ${name}`);
      if (steps.length === 0) print(`${label}: nothing to do`);
    });
}

function exportCommand(): Command {
  return dataCommand(
    'export',
    'Write a whole database to a file that any database of this program can import. Servers may run. Secrets stay encrypted.',
  )
    .argument('<file>', 'the file to write (mode 0600), JSON lines')
    .addOption(dbOption('SQLite file'))
    .addOption(databaseOption())
    .option('--force', 'replace the file if it exists')
    .action(
      async (file: string, { force = false, ...choice }: DatabaseChoice & { force?: boolean }, command) => {
        const { db, database } = chosen(choice, command);
        const encryptionKey = await keyOf({ db, database });
        const box = new SecretBox(encryptionKey);
        const common = { file, force, box, at: new Date().toISOString(), onTable: printTable };
        const { rows, keyId } = await writingFile(file, async () =>
          database === undefined
            ? withDatabaseCopy({ file: db, box, directory: dirname(file) }, ({ contents, version }) =>
                writeExport(contents, { ...common, databaseVersion: version }),
              )
            : (await import('./storage/postgres/postgres-storage.ts')).exportPostgres(
                { url: database.url, encryptionKey },
                (contents, version) => writeExport(contents, { ...common, databaseVersion: version }),
              ),
        );
        print(
          `${file}: ${rows} rows. An import needs the encryption key ${keyId}: keep it in another place.`,
        );
      },
    );
}

function importCommand(): Command {
  return dataCommand(
    'import',
    'Copy an export, or a SQLite file whose server does not run, into an empty PostgreSQL database or a new SQLite file.',
  )
    .argument('<file>', 'the file to read')
    .addOption(dbOption('SQLite file to create'))
    .addOption(databaseOption())
    .action(async (file: string, choice: DatabaseChoice, command: Command) => {
      const { db, database } = chosen(choice, command);
      const encryptionKey = await keyOf({ db, database });
      const box = new SecretBox(encryptionKey);
      await withImportSource(file, box, async ({ kind, version, contents }) => {
        print(
          `${file}: checked, ${kind === 'export' ? 'an export of a' : 'a'} database of version ${version}`,
        );
        const progress: CopyProgress = { onRows: createRowsReport(), onTable: printTable };
        if (database === undefined) {
          return writingFile(db, () => importIntoSqlite(db, contents, { box, ...progress }));
        }
        const { importIntoPostgres } = await import('./storage/postgres/postgres-storage.ts');
        return importIntoPostgres({ url: database.url, encryptionKey }, contents, progress);
      });
      print(`${database?.label ?? db}: imported. Clients load everything once, since it begins a new epoch.`);
    });
}

function backupCommand(): Command {
  return dataCommand(
    'backup',
    'Copy a SQLite file into one file, while its server runs. The encryption key is not in it.',
  )
    .argument('<file>', 'the file to write (mode 0600)')
    .addOption(dbOption('SQLite file'))
    .option('--force', 'replace the file if it exists')
    .action(async (backup: string, { db = DEFAULT_DB, force = false }: { db?: string; force?: boolean }) => {
      const encryptionKey = await findEncryptionKey({ file: db });
      const onBytes = createBytesReport(db);
      const { version, keyId, sha256 } = await writingFile(backup, () =>
        backupSqlite({ file: db, backup, force, encryptionKey, onBytes }),
      );
      print(`${backup}: checked, version ${version}, SHA-256 ${sha256}`);
      const where = encryptionKey === undefined ? '' : ', which fits';
      print(`Secrets need the encryption key ${keyId}${where}: keep a copy of it in another place.`);
    });
}

function restoreCommand(): Command {
  return dataCommand(
    'restore',
    'Put a backup in the place of a SQLite file whose server does not run. The old file is kept under another name.',
  )
    .argument('<file>', 'the backup, which is not changed')
    .addOption(dbOption('SQLite file to replace'))
    .action(async (backup: string, { db = DEFAULT_DB }: { db?: string }) => {
      const encryptionKey = await requireEncryptionKey({ file: db });
      const onBytes = createBytesReport(backup);
      const { version, kept } = await writingFile(db, () =>
        restoreSqlite({ backup, file: db, encryptionKey, onBytes }),
      );
      print(`${db}: restored, version ${version}`);
      if (kept !== undefined) print(`The old file is now ${kept}.`);
      print('Start the server: it begins a new epoch, and clients load everything once.');
    });
}

/** A file on the command line counts more than a URL in the environment. */
function chosen(
  { db, database }: DatabaseChoice,
  command: Command,
): { db: string; database: DatabaseUrl | undefined } {
  const isFromVariable = command.getOptionValueSource('database') === 'env';
  if (db !== undefined && database !== undefined && !isFromVariable) {
    throw new ServerStartError('ERR_OPTIONS_INVALID', 'Choose one of --db and --database.');
  }
  const isFile = database === undefined || db !== undefined;
  return { db: db ?? DEFAULT_DB, database: isFile ? undefined : checkedUrl(database) };
}

async function keyOf({ db, database }: { db: string; database: DatabaseUrl | undefined }): Promise<Buffer> {
  return database === undefined ? requireEncryptionKey({ file: db }) : readSharedEncryptionKey(process.env);
}

/** @throws {ServerStartError} for an invalid URL, without it: it contains a password */
function checkedUrl(database: string): DatabaseUrl {
  try {
    return parseDatabaseUrl(database);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ServerStartError('ERR_OPTIONS_INVALID', `The option --database: ${error.message}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printTable({ name, rows, checksum }: CopiedTable): void {
  print(`${name}: ${rows} rows, SHA-256 ${checksum.slice(0, 16)}`);
}

/** Reports on standard error now and then, so that standard output is the same for every speed. */
function createReport(): (text: () => string) => void {
  let last = performance.now();
  return (text) => {
    if (performance.now() - last < PROGRESS_EVERY_MS) return;
    last = performance.now();
    process.stderr.write(`${text()}\n`);
  };
}

function createRowsReport(): NonNullable<CopyProgress['onRows']> {
  const report = createReport();
  return ({ table, done, total }) => report(() => `${table}: ${done} of ${total} rows`);
}

function createBytesReport(file: string): (done: number) => void {
  const report = createReport();
  return (done) => report(() => `${file}: ${Math.round(done / 2 ** 20)} MiB copied`);
}
