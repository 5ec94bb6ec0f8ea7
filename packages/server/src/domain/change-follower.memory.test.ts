import { describe, expect, it, vi } from 'vitest';
import { StorageError } from '../storage/storage-error.ts';
import { eventually, MAX_OFFLINE_MS, setUpFollower } from '../test-support/follower-fixture.ts';

describe('a hint', () => {
  it('of a newer revision publishes the changes up to it, in their order', async () => {
    const { id, hint, follow, byOthers, published, views } = await setUpFollower();
    await follow(id);
    for (const value of ['1', '2']) await byOthers(value, id);
    hint({ environmentId: id, revision: 2 });
    await eventually(() => published, [`${id} 1`, `${id} 2`]);
    expect((await views.read(id))?.values.get('a')?.value).toBe('2');
  });

  it('of a known revision, or of an environment that nothing here uses, reads nothing', async () => {
    const { id, hint, follow, byItself, calls, addEnvironment } = await setUpFollower();
    await follow(id);
    await byItself('1', id);
    calls.reads.length = 0;
    hint({ environmentId: id, revision: 1 });
    hint({ environmentId: await addEnvironment(), revision: 5 });
    expect(calls.reads).toEqual([]);
  });

  it('of anything looks at the database, unless it cannot be reached', async () => {
    const { id, hint, follow, byOthers, published, shared, calls, follower } = await setUpFollower();
    await follow(id);
    await byOthers('1', id);
    shared.isConnected = false;
    hint('disconnected');
    hint('anything');
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(calls.looks).toEqual([]);
    expect(follower.status.isConnected).toBe(false);
    shared.isConnected = true;
    hint('anything');
    await eventually(() => published, [`${id} 1`]);
  });

  it('that the connection is lost is logged', async () => {
    const { hint, logged } = await setUpFollower();
    hint('disconnected');
    expect(JSON.stringify(logged)).toContain('the database cannot be reached');
  });
});

describe('without a hint', () => {
  it.each([
    [MAX_OFFLINE_MS, 2_000],
    [5_000, 500],
  ])('it looks by itself (at most %i ms offline: every %i ms)', async (maxOfflineMs, intervalMs) => {
    const { id, follow, byOthers, published } = await setUpFollower({ maxOfflineMs });
    await follow(id);
    await byOthers('1', id);
    vi.advanceTimersByTime(intervalMs - 1);
    expect(published).toEqual([]);
    vi.advanceTimersByTime(1);
    await eventually(() => published, [`${id} 1`]);
  });

  it('publishes changes of others before a later one of its own', async () => {
    const { id, follow, byOthers, byItself, published } = await setUpFollower();
    await follow(id);
    for (const value of ['1', '2']) await byOthers(value, id);
    await byItself('3', id);
    expect(published).toEqual([`${id} 1`, `${id} 2`, `${id} 3`]);
  });

  it('finds what was committed between the first read of an environment and its listener', async () => {
    const { id, follower, byOthers, calls } = await setUpFollower();
    await byOthers('1', id);
    follower.follow(id, 0);
    await eventually(() => calls.reads, [id]);
    // A later read of the view follows what is followed already.
    follower.follow(id, 0);
    await follower.catchUp(id);
    expect(calls.reads).toHaveLength(2);
  });
});

describe('an environment', () => {
  it('is lost once it is deleted, and read again', async () => {
    const { id, storage, follow, hint, events, views } = await setUpFollower();
    await follow(id);
    await storage.deleteEnvironment(id);
    hint('anything');
    await eventually(() => events, [`lost ${id}`]);
    expect(await views.read(id)).toBeUndefined();
  });

  it('is lost if its changes are no longer kept, and follows on after the next read', async () => {
    const { id, storage, follow, hint, events, views, byOthers, published } = await setUpFollower();
    await follow(id);
    for (const value of ['1', '2', '3']) await byOthers(value, id);
    await storage.pruneChanges(id, 1);
    hint({ environmentId: id, revision: 3 });
    await eventually(() => events, [`lost ${id}`]);
    expect((await views.read(id))?.revision).toBe('3');
    await byOthers('4', id);
    hint({ environmentId: id, revision: 4 });
    await eventually(() => published, [`${id} 4`]);
  });

  it('is reported if more than its values has changed', async () => {
    const { id, follow, byOthers, byItself, hint, events } = await setUpFollower();
    await follow(id);
    await byItself('1', id);
    expect(events).toEqual([]);
    await byOthers('reload', id);
    hint('anything');
    await eventually(() => events, [`reloaded ${id}`]);
  });

  it('is no longer looked at once nothing here uses it', async () => {
    const { id, follow, hint, calls, views, addEnvironment } = await setUpFollower();
    const other = await addEnvironment();
    const stop = await follow(other);
    await follow(id);
    hint('anything');
    await eventually(() => calls.looks.length, 1);
    expect(new Set(calls.looks[0])).toEqual(new Set([id, other]));
    stop();
    views.forget(other);
    hint('anything');
    await eventually(() => calls.looks.length, 2);
    expect(calls.looks[1]).toEqual([id]);
  });

  it('that nothing here has read publishes nothing', async () => {
    const { id, byItself, byOthers, hint, calls, published, subscribe } = await setUpFollower();
    subscribe(id);
    await byItself('1', id);
    await byOthers('2', id);
    hint('anything');
    await eventually(() => calls.looks.length, 1);
    expect([published, calls.reads]).toEqual([[], []]);
  });
});

describe('another history', () => {
  it('ends every stream and forgets all views and access', async () => {
    const { id, storage, follow, hint, events, views } = await setUpFollower();
    await follow(id);
    const before = await views.read(id);
    await storage.renewEpoch(await storage.readEpoch());
    hint('anything');
    await eventually(() => events, ['everything lost', 'access unknown']);
    const after = await views.read(id);
    expect(after?.epoch.startsWith(await storage.readEpoch())).toBe(true);
    expect(after?.epoch).not.toBe(before?.epoch);
    // Once.
    hint('anything');
    await follow(id);
    expect(events).toHaveLength(2);
  });

  it('begins if the database has lost writes that were served, whose revisions are given out again', async () => {
    const { id, storage, follow, hint, events, views, byItself, published } = await setUpFollower();
    const setRevision = async (revision: number): Promise<void> => {
      const row = await storage.findEnvironment(id);
      if (row === undefined) throw new Error('The environment is missing.');
      await storage.updateEnvironment({ ...row, revision });
    };
    await setRevision(10);
    const stop = await follow(id);
    const epoch = await storage.readEpoch();
    await setRevision(3);
    hint('anything');
    await eventually(() => events, ['everything lost', 'access unknown']);
    const next = await storage.readEpoch();
    expect(next).not.toBe(epoch);
    expect((await views.read(id))?.epoch.startsWith(next)).toBe(true);
    stop();
    await follow(id);
    await byItself('again', id);
    expect(published).toEqual([`${id} 4`]);
    expect((await views.read(id))?.values.get('a')?.value).toBe('again');
  });
});

describe('access', () => {
  it('changes are reported once, in their order, and only those after the start', async () => {
    const { storage, follower, hint, events } = await setUpFollower({ isStarted: false });
    await storage.recordAccessChange({ kind: 'client', id: 'before', mayDoLess: true });
    await follower.start();
    hint('anything');
    for (const id of ['one', 'two']) {
      await storage.recordAccessChange({ kind: 'client', id, mayDoLess: true });
      hint('anything');
      await eventually(() => events.at(-1), `access of ${id}`);
    }
    expect(events).toEqual(['access of one', 'access of two']);
  });

  it('is unknown if its changes are no longer kept, or are of another history', async () => {
    const { storage, hint, events, faults } = await setUpFollower();
    faults.operations.listAccessChangesSince = () => Promise.resolve(undefined);
    await storage.recordAccessChange({ kind: 'client', id: 'one', mayDoLess: true });
    hint('anything');
    await eventually(() => events, ['access unknown']);
    delete faults.operations.listAccessChangesSince;
    faults.operations.readAccessRevision = () => Promise.resolve(0);
    hint('anything');
    await eventually(() => events, ['access unknown', 'access unknown']);
    delete faults.operations.readAccessRevision;
    hint('anything');
    await eventually(() => events.at(-1), 'access of one');
  });
});

describe('without the database', () => {
  it('what is in memory becomes too old, which ends the streams once, until a look succeeds', async () => {
    const { hint, follower, events, faults } = await setUpFollower();
    const expire = (): void => {
      vi.advanceTimersByTime(MAX_OFFLINE_MS);
      expect(follower.status).toMatchObject({ isExpired: false, lagMs: MAX_OFFLINE_MS });
      follower.requireFresh();
      vi.advanceTimersByTime(2_000);
      expect(follower.status.isExpired).toBe(true);
      expect(() => follower.requireFresh()).toThrow('older than 1 min');
      vi.advanceTimersByTime(10_000);
    };
    for (const count of [1, 2]) {
      faults.error = new StorageError('ERR_STORAGE_UNAVAILABLE', 'away');
      expire();
      expect(events).toEqual(Array(count).fill('everything lost'));
      faults.error = undefined;
      hint('anything');
      await eventually(() => follower.status.isExpired, false);
      expect(follower.status.lagMs).toBe(0);
      follower.requireFresh();
    }
  });

  it('its age counts from the beginning of a look, not from its end', async () => {
    const { hint, follower, faults } = await setUpFollower();
    let release = (): void => undefined;
    faults.gate = new Promise((resolve) => {
      release = resolve;
    });
    vi.advanceTimersByTime(500);
    hint('anything');
    vi.advanceTimersByTime(1_000);
    release();
    await eventually(() => follower.status.lagMs, 1_000);
  });

  it('a committed write succeeds, and its environment is read again', async () => {
    const { id, follow, byOthers, byItself, faults, logged, views, hint, published } = await setUpFollower();
    await follow(id);
    await byOthers('1', id);
    faults.error = new Error('broken');
    await byItself('2', id);
    expect(published).toEqual([]);
    expect(JSON.stringify(logged)).toContain('following the changes of the database failed');
    faults.error = undefined;
    expect((await views.read(id))?.revision).toBe('2');
    hint('anything');
    await eventually(() => published, [`${id} 1`, `${id} 2`]);
  });

  it('only failures that say something new are logged', async () => {
    const { id, follow, byOthers, byItself, faults, logged } = await setUpFollower();
    await follow(id);
    await byOthers('1', id);
    faults.error = new StorageError('ERR_STORAGE_UNAVAILABLE', 'away');
    await byItself('2', id);
    expect(logged).toEqual([]);
  });
});

it('close() stops hints and the timer, and waits for the look that runs', async () => {
  const { id, follow, hint, hints, faults, follower, calls, byOthers } = await setUpFollower();
  await follow(id);
  await byOthers('1', id);
  let release = (): void => undefined;
  faults.gate = new Promise((resolve) => {
    release = resolve;
  });
  hint('anything');
  let isClosed = false;
  const closing = follower.close().then(() => {
    isClosed = true;
  });
  expect([hints.size, vi.getTimerCount()]).toEqual([0, 0]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  release();
  await closing;
  expect(calls.looks).toHaveLength(1);
});
