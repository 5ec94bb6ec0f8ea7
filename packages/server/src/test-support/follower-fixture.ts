import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expect, onTestFinished, vi } from 'vitest';
import { ChangeBus } from '../domain/change-bus.ts';
import { ChangeFollower, type FollowerListener } from '../domain/change-follower.ts';
import { ChangeWriter } from '../domain/change-writer.ts';
import { EnvironmentViews } from '../domain/environment-views.ts';
import { SchemaKeysCache } from '../domain/validation/schema-keys.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { SharedDatabase, Storage, StorageHint, StorageOperations } from '../storage/storage.ts';
import { environmentRow, insertShop } from './storage-fixtures.ts';

export const MAX_OFFLINE_MS: number = 60_000;

/** Waits for a value. `expect.poll` would let the fake time pass. */
export async function eventually(read: () => unknown, expected: unknown): Promise<void> {
  for (let attempt = 0; attempt < 6_000 && !isDeepStrictEqual(read(), expected); attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(read()).toEqual(expected);
}

type Hint = StorageHint | 'disconnected';

/** What the database returns instead, or throws, and what it waits for. */
interface Faults {
  operations: Partial<StorageOperations>;
  error: Error | undefined;
  gate: Promise<void>;
}

interface FollowerFixture {
  /** An environment that nothing follows yet. */
  id: string;
  addEnvironment: () => Promise<string>;
  follower: ChangeFollower;
  views: EnvironmentViews;
  /** The database, as another process sees it. */
  storage: Storage;
  shared: { isConnected: boolean };
  faults: Faults;
  hint: (hint: Hint) => void;
  /** The listeners for hints. */
  hints: ReadonlySet<unknown>;
  /** Listens to the changes of an environment. */
  subscribe: (id: string) => () => void;
  /** Listens and then reads the view, as a stream does. */
  follow: (id: string) => Promise<() => void>;
  /** Writes a value, or something else than values for `reload`. */
  byOthers: (value: string, id: string) => Promise<void>;
  byItself: (value: string, id: string) => Promise<void>;
  /** What was published: `<environment> <revision>`. */
  published: string[];
  /** The calls of the listener. */
  events: string[];
  logged: unknown[];
  /** The environments of each look at the database, and of each read of changes. */
  calls: { looks: string[][]; reads: string[] };
}

/**
 * A follower of a database in memory. Hints and time come from the test, and another process is a writer that the follower
 * does not know.
 */
export async function setUpFollower({
  maxOfflineMs = MAX_OFFLINE_MS,
  isStarted = true,
}: {
  maxOfflineMs?: number;
  isStarted?: boolean;
} = {}): Promise<FollowerFixture> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const original = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  const calls: FollowerFixture['calls'] = { looks: [], reads: [] };
  const faults: Faults = { operations: {}, error: undefined, gate: Promise.resolve() };
  const storage = storageWith(original, calls, faults);
  const shop = await insertShop(storage);
  const events: string[] = [];
  const published: string[] = [];
  const logged: unknown[] = [];
  const hints = new Set<(hint: Hint) => void>();
  const shared = {
    isConnected: true,
    onHint: (listener: (hint: Hint) => void) => {
      hints.add(listener);
      return () => void hints.delete(listener);
    },
  } satisfies SharedDatabase;
  const log = { error: (...line: unknown[]) => void logged.push(line) };
  const changes = new ChangeBus();
  const views = new EnvironmentViews(storage, new SchemaKeysCache());
  const listener = listenerOf(events);
  const follower = new ChangeFollower({ storage, shared, changes, views, log, listener, maxOfflineMs });
  views.followWith(follower);
  if (isStarted) await follower.start();
  onTestFinished(async () => {
    faults.error = undefined;
    await follower.close();
    await original.close();
    vi.useRealTimers();
  });
  const parts = { storage: original, log };
  const otherViews = new EnvironmentViews(original, new SchemaKeysCache());
  const others = new ChangeWriter({ ...parts, changes: new ChangeBus(), views: otherViews });
  const own = new ChangeWriter({ ...parts, changes, views, follower });
  const writeWith = (writer: ChangeWriter) => (value: string, environmentId: string) =>
    writer.run(async (transaction) => {
      const list = [{ tier: 'public', key: 'a', value } as const];
      transaction.record(environmentId, value === 'reload' ? [] : list);
    });
  const subscribe = (id: string) =>
    changes.subscribe(id, ({ revision }) => void published.push(`${id} ${revision}`));
  const follow = async (id: string): Promise<() => void> => {
    const stop = subscribe(id);
    await views.read(id);
    await follower.catchUp(id);
    return stop;
  };
  const addEnvironment = async (): Promise<string> => {
    const row = environmentRow(shop.organization, { name: 'other' });
    await original.insertEnvironment(row);
    return row.id;
  };
  return {
    id: shop.environment.id,
    hint: (hint) => {
      for (const listener of [...hints]) listener(hint);
    },
    ...{ storage: original, shared, follower, views, events, published, logged, calls, faults, hints },
    ...{ follow, subscribe, addEnvironment, byOthers: writeWith(others), byItself: writeWith(own) },
  };
}

/** The database as the follower sees it. */
function storageWith(original: Storage, calls: FollowerFixture['calls'], faults: Faults): Storage {
  // A view is followed within the transaction that reads it, which SQLite has one of at a time.
  const outside = AsyncLocalStorage.snapshot();
  return {
    ...original,
    snapshot: (work) =>
      original.snapshot(async (operations) => {
        await faults.gate;
        if (faults.error !== undefined) throw faults.error;
        const readRevisions: StorageOperations['readRevisions'] = (ids) => {
          calls.looks.push([...ids]);
          return operations.readRevisions(ids);
        };
        return work({ ...operations, readRevisions, ...faults.operations });
      }),
    listChangesSince: async (...args) => {
      if (faults.error !== undefined) throw faults.error;
      calls.reads.push(args[0]);
      return outside(() => original.listChangesSince(...args));
    },
    listAccessChangesSince: async (revision) =>
      faults.operations.listAccessChangesSince === undefined
        ? original.listAccessChangesSince(revision)
        : faults.operations.listAccessChangesSince(revision),
  };
}

function listenerOf(events: string[]): FollowerListener {
  return {
    environmentReloaded: (id) => void events.push(`reloaded ${id}`),
    environmentLost: (id) => void events.push(`lost ${id}`),
    everythingLost: () => void events.push('everything lost'),
    accessChanged: ({ id }) => void events.push(`access of ${id}`),
    accessUnknown: () => void events.push('access unknown'),
  };
}
