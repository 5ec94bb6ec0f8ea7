import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test-support/running-server.ts';
import { APPLICATION_ID } from '../data-files.ts';
import { copyDatabase } from './database-copy.ts';

const ROWS = 400;

/** A database of some 3 MiB in which every transaction gives all rows the same number. */
class Numbers {
  readonly file: string;
  readonly #database: Database.Database;
  written = 0;

  constructor(file: string) {
    this.file = file;
    this.#database = new Database(file);
    this.#database.exec(
      `pragma application_id = ${APPLICATION_ID}; pragma journal_mode = WAL; pragma wal_autocheckpoint = 0;
       create table numbers (id integer primary key, number integer, padding text);
       with recursive ids (id) as (select 1 union all select id + 1 from ids where id < ${ROWS})
       insert into numbers select id, 0, printf('%.*c', 8000, 'x') from ids;`,
    );
    this.moveLog();
    onTestFinished(() => void this.#database.close());
  }

  write(): void {
    this.written += 1;
    this.#database.exec(`update numbers set number = ${this.written}`);
  }

  /** Moves the pages of the log to the database. The next write begins the log again. */
  moveLog(): void {
    this.#database.pragma('wal_checkpoint(RESTART)');
  }
}

/** The numbers in a copy, each once. */
function numbersIn(draft: string): number[] {
  const database = new Database(draft);
  try {
    database.exec('pragma locking_mode = EXCLUSIVE');
    expect(database.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    const rows = database.prepare('select distinct number from numbers').all() as { number: number }[];
    return rows.map(({ number }) => number);
  } finally {
    database.close();
  }
}

async function startNumbers(): Promise<{ numbers: Numbers; draft: string }> {
  const directory = await temporaryDirectory();
  return { numbers: new Numbers(join(directory, 'config.db')), draft: join(directory, 'copy.db') };
}

describe('a copy of a database that is written to', { timeout: 300_000 }, () => {
  it('has the newest write, also if it is only in the log', async () => {
    const { numbers, draft } = await startNumbers();
    numbers.write();
    await copyDatabase(numbers.file, draft);
    expect(numbersIn(draft)).toEqual([1]);
  });

  it('repairs from the log what is moved to the database while it is copied', async () => {
    const { numbers, draft } = await startNumbers();
    numbers.write();
    let calls = 0;
    await copyDatabase(numbers.file, draft, () => {
      calls += 1;
      if (calls > 1) return;
      numbers.write();
      numbers.moveLog();
    });
    // In one attempt, although the first part of the copy has the pages from before.
    expect(calls).toBe(4);
    expect(numbersIn(draft)).toEqual([2]);
  });

  it('is made once more if the log is begun again meanwhile', async () => {
    const { numbers, draft } = await startNumbers();
    numbers.write();
    let restarts = 0;
    await copyDatabase(numbers.file, draft, () => {
      if (restarts >= 5) return;
      restarts += 1;
      numbers.write();
      numbers.moveLog();
      numbers.write();
    });
    expect(numbersIn(draft)).toEqual([numbers.written]);
  });

  it('is made once more if there was no log at first', async () => {
    const { numbers, draft } = await startNumbers();
    let isFirst = true;
    await copyDatabase(numbers.file, draft, () => {
      if (isFirst) {
        numbers.write();
        numbers.moveLog();
      }
      isFirst = false;
    });
    expect(numbersIn(draft)).toEqual([1]);
  });

  it('is refused with words if the database never rests', async () => {
    const { numbers, draft } = await startNumbers();
    const copy = copyDatabase(numbers.file, draft, (done) => {
      if (done > 2 ** 20) return;
      numbers.moveLog();
      numbers.write();
    });
    await expect(copy).rejects.toMatchObject({
      code: 'ERR_STORAGE_LOCKED',
      message: expect.stringContaining('written to faster than it can be copied'),
    });
  });
});

it('refuses to copy a file that is missing, and one of another program', async () => {
  const directory = await temporaryDirectory();
  const [file, draft] = [join(directory, 'notes.txt'), join(directory, 'copy.db')];
  await expect(copyDatabase(file, draft)).rejects.toThrow(`The database ${file} does not exist.`);
  await writeFile(file, 'precious notes');
  await expect(copyDatabase(file, draft)).rejects.toMatchObject({ code: 'ERR_STORAGE_FOREIGN' });
});
