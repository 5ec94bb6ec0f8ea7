import Database from 'libsql';

/** Runs `start` and returns its result with the SQLite connection that it opens, to change the settings of that one. */
export async function withConnection<Result>(
  start: () => Promise<Result>,
): Promise<{ result: Result; connection: Database.Database }> {
  const { prototype } = Database as unknown as { prototype: Database.Database };
  const original = Object.getOwnPropertyDescriptor(prototype, 'exec');
  const exec = original?.value as Database.Database['exec'];
  const connections: Database.Database[] = [];
  prototype.exec = function (this: Database.Database, sql) {
    if (sql.includes('locking_mode = EXCLUSIVE')) connections.push(this);
    return exec.call(this, sql);
  };
  try {
    const result = await start();
    const [connection] = connections;
    if (connection === undefined) throw new Error('No database was opened.');
    return { result, connection };
  } finally {
    prototype.exec = exec;
  }
}
