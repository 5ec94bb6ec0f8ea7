import { describe, expect, it } from 'vitest';
import type { ChangeRecord } from '../storage/storage.ts';
import { countOpenListeners } from '../test-support/open-listeners.ts';
import { at } from '../test-support/storage-fixtures.ts';
import { ChangeBus } from './change-bus.ts';
import { ChangeFeeds } from './change-feeds.ts';

const ID = 'an environment';

function setUp() {
  const changes = new ChangeBus();
  const subscriptions = countOpenListeners(ChangeBus.prototype, 'subscribe');
  const logged: unknown[][] = [];
  const names = { checked: () => Promise.resolve() };
  const feeds = new ChangeFeeds({
    changes,
    log: { error: (...line: unknown[]) => void logged.push(line) },
    checkName: () => names.checked(),
  });
  const publish = (...revisions: number[]): void => publishAll(revisions.map((revision) => ({ revision })));
  const publishAll = (some: Pick<ChangeRecord, 'revision' | 'needsReload'>[]): void => {
    const records = some.map(
      (record): ChangeRecord => ({ environmentId: ID, changes: [], at: at(), ...record }),
    );
    changes.publish(records, (error) => {
      throw error;
    });
  };
  /** Opens a stream and notes the revisions that it gets. */
  const open = (onChange: (revision: number) => void = () => undefined) => {
    const got: number[] = [];
    const close = feeds.open(ID, {
      changed: ({ revision }) => {
        got.push(revision);
        onChange(revision);
      },
    });
    return { got, close };
  };
  return { open, publish, publishAll, names, subscriptions, logged };
}

describe('the ruleset streams of an environment', () => {
  it('get each change in order, and share one subscription', async () => {
    const { open, publish, subscriptions } = setUp();
    const streams = Array.from({ length: 1_000 }, () => open());
    publish(1);
    publish(2, 3);
    await expect.poll(() => streams.every(({ got }) => got.length === 3)).toBe(true);
    publish(4);
    await expect.poll(() => streams.every(({ got }) => got.length === 4)).toBe(true);
    for (const { got } of streams) expect(got).toEqual([1, 2, 3, 4]);
    expect(subscriptions).toMatchObject({ open: 1, added: 1 });
    for (const { close } of streams) close();
    expect(subscriptions.open).toBe(0);
    const later = open();
    streams[0]?.close();
    const last = open();
    publish(5);
    await expect.poll(() => [later.got, last.got]).toEqual([[5], [5]]);
    expect(subscriptions).toMatchObject({ open: 1, added: 2 });
  });

  it('get changes in order, also those that are made while an earlier one is delivered', async () => {
    const { open, publish } = setUp();
    const first = open((revision) => {
      if (revision < 3) publish(revision + 1);
    });
    const streams = [first, ...Array.from({ length: 600 }, () => open())];
    publish(1);
    await expect.poll(() => streams.every(({ got }) => got.length === 3)).toBe(true);
    for (const { got } of streams) expect(got).toEqual([1, 2, 3]);
  });

  it('leave turns of the event loop to other work', async () => {
    const { open, publish } = setUp();
    const streams = Array.from({ length: 1_000 }, () => open());
    const served = () => streams.filter(({ got }) => got.length > 0).length;
    publish(1);
    // Before the write is acknowledged.
    expect(served()).toBeGreaterThan(0);
    expect(served()).toBeLessThan(1_000);
    await expect.poll(served).toBe(1_000);
  });

  it('that end in the meantime get nothing more', async () => {
    const { open, publish } = setUp();
    const last: { close?: () => void } = {};
    const first = open(() => last.close?.());
    const others = Array.from({ length: 600 }, () => open());
    const leaving = open();
    last.close = leaving.close;
    publish(1, 2);
    await expect.poll(() => others.every(({ got }) => got.length === 2)).toBe(true);
    expect([first.got, leaving.got]).toEqual([[1, 2], []]);
  });

  it('get what follows a rename once it is known who may use the new name', async () => {
    const { open, publish, publishAll, names } = setUp();
    const [ended, stays] = [open(), open()];
    let check: (() => void) | undefined;
    names.checked = () =>
      new Promise((resolve) => {
        check = resolve;
      });
    publish(1);
    publishAll([{ revision: 2, needsReload: true }]);
    publish(3);
    await expect.poll(() => check).toBeDefined();
    expect([ended.got, stays.got]).toEqual([[1], [1]]);
    ended.close();
    check?.();
    await expect.poll(() => stays.got).toEqual([1, 2, 3]);
    expect(ended.got).toEqual([1]);
  });

  it('do not lose a change because another stream fails, which is logged without its message', async () => {
    const { open, publish, logged } = setUp();
    const broken = open(() => {
      throw new Error('sk_hidden');
    });
    const whole = open();
    publish(1);
    await expect.poll(() => whole.got).toEqual([1]);
    expect(broken.got).toEqual([1]);
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).not.toContain('sk_hidden');
  });
});
