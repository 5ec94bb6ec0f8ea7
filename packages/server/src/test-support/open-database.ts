import Database from 'libsql';

/** Runs `start` and returns its result with the SQLite connection that it opens, to change the settings of that one. */
export async function withConnection<Result>(
  start: () => Promise<Result>,
): Promise<{ result: Result; connection: Database.Database }> {
  const { prototype } = Database as unknown as { prototype: Database.Database };
  const exec: (this: Database.Database, sql: string) => Database.Database = prototype.exec;
  let connection: Database.Database | undefined;
  prototype.exec = function (this: Database.Database, sql) {
    if (sql.includes('locking_mode = EXCLUSIVE')) connection = this;
    return exec.call(this, sql);
  };
  try {
    const result = await start();
    if (connection === undefined) throw new Error('No database was opened.');
    return { result, connection };
  } finally {
    prototype.exec = exec;
  }
}
