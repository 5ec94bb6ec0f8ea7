import type { EvaluationContext, JsonValue } from '@smooai/config';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { countOpenListeners } from '../test-support/open-listeners.ts';
import { at } from '../test-support/storage-fixtures.ts';
import { ChangeBus } from './change-bus.ts';
import { EnvironmentView } from './environment-view.ts';
import { SnapshotFeeds } from './snapshot-feeds.ts';

const ID = 'an environment';

/** A view of an environment with one flag and a secret. */
function viewOf(revision: number, theme: JsonValue, name = 'development'): EnvironmentView {
  const times = { createdAt: at(), updatedAt: at() };
  const environment = { id: ID, organizationId: 'o', name, revision, ...times };
  const values = new Map([
    ['theme', { tier: 'feature_flag' as const, key: 'theme', value: theme }],
    ['paymentKey', { tier: 'secret' as const, key: 'paymentKey', value: 'sk_hidden' }],
  ]);
  const noSchema = { defaultValue: undefined, limit: undefined, schemaText: () => undefined };
  const keys = new Map([
    ['theme', { key: 'theme', tier: 'feature_flag' as const, ...noSchema }],
    ['paymentKey', { key: 'paymentKey', tier: 'secret' as const, ...noSchema }],
  ]);
  return new EnvironmentView(
    { ...environment, description: null, fallbackEnvironmentId: null },
    { values, segments: new Map() },
    { epoch: 'x', keys },
  );
}

/** Feeds of one environment, which the test changes, and whose reads it can hold or fail. */
function setUp() {
  const changes = new ChangeBus();
  const subscriptions = countOpenListeners(ChangeBus.prototype, 'subscribe');
  const logged: unknown[][] = [];
  const state = {
    view: viewOf(1, 'light') as EnvironmentView | undefined,
    reads: 0,
    held: undefined as Promise<void> | undefined,
    failure: undefined as Error | undefined,
  };
  const feeds = new SnapshotFeeds({
    changes,
    log: { error: (...line: unknown[]) => void logged.push(line) },
    readView: async () => {
      state.reads += 1;
      const { view, failure } = state;
      await state.held;
      if (failure !== undefined) throw failure;
      return view;
    },
  });
  const change = (view: EnvironmentView | undefined): void => {
    state.view = view;
    const record = { environmentId: ID, revision: Number(view?.revision ?? 0), changes: [], at: at() };
    changes.publish([record], (error) => {
      throw error;
    });
  };
  /** Holds the reads from now on. Returns a function that lets them go on. */
  const hold = (): (() => void) => {
    let release = (): void => undefined;
    state.held = new Promise((resolve) => {
      release = () => {
        state.held = undefined;
        resolve();
      };
    });
    return release;
  };
  return { feeds, change, hold, state, subscriptions, logged };
}

type Feeds = ReturnType<typeof setUp>['feeds'];

/** Opens a stream and notes what it gets: the theme of each event, or how it ended. */
function open(feeds: Feeds, { environments }: { environments?: string[] } = {}) {
  const got: string[] = [];
  const reader = { hasRoom: true, context: {} as EvaluationContext };
  const feed = feeds.open(ID, {
    get context() {
      return reader.context;
    },
    principal: { environments },
    hasRoom: () => reader.hasRoom,
    send: (event, name) => {
      const text = new TextDecoder().decode(event);
      expect(text).not.toContain('sk_hidden');
      got.push(`${name} ${/"theme":\{"value":"(\w+)"/.exec(text)?.[1]}`);
    },
    end: () => {
      got.push('end');
      feed.close();
    },
    failed: (error) => {
      got.push(`failed: ${(error as Error).message}`);
      feed.close();
    },
  });
  return { got, reader, ...feed };
}

/** Lets the reads that are not held settle, and the turns of the event loop after them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

describe('the snapshot streams of an environment', () => {
  it('get a snapshot and then each change', async () => {
    const { feeds, change } = setUp();
    const one = open(feeds);
    const other = open(feeds);
    expect(one.got).toEqual([]);
    await settle();
    change(viewOf(2, 'dark'));
    await settle();
    change(viewOf(3, 'blue'));
    await settle();
    for (const { got } of [one, other]) expect(got).toEqual(['snapshot light', 'patch dark', 'patch blue']);
  });

  it('share one read of a change, and one subscription, which ends with the last of them', async () => {
    const { feeds, change, state, subscriptions } = setUp();
    const streams = [open(feeds), open(feeds), open(feeds)];
    await settle();
    const before = state.reads;
    change(viewOf(2, 'dark'));
    await settle();
    expect(state.reads).toBe(before + 1);
    streams[0]?.close();
    streams[0]?.close();
    streams[1]?.close();
    expect(subscriptions).toMatchObject({ open: 1, added: 1 });
    change(viewOf(3, 'blue'));
    await settle();
    expect(streams.map(({ got }) => got.at(-1))).toEqual(['patch dark', 'patch dark', 'patch blue']);
    streams[2]?.close();
    expect(subscriptions).toMatchObject({ open: 0, added: 1 });
    // The next one begins anew, with what is current then.
    const reads = state.reads;
    state.view = viewOf(4, 'red');
    const next = open(feeds);
    await settle();
    expect(next.got).toEqual(['snapshot red']);
    expect(state.reads).toBe(reads + 1);
    expect(subscriptions).toMatchObject({ open: 1, added: 2 });
    next.close();
    expect(subscriptions.open).toBe(0);
  });

  it('a stream that closes late does not end those that were opened since', async () => {
    const { feeds, change, subscriptions } = setUp();
    const old = open(feeds);
    old.close();
    const next = open(feeds);
    old.close();
    await settle();
    expect(subscriptions.open).toBe(1);
    const third = open(feeds);
    await settle();
    change(viewOf(2, 'dark'));
    await settle();
    for (const { got } of [next, third]) expect(got).toEqual(['snapshot light', 'patch dark']);
    expect(subscriptions.added).toBe(2);
  });

  it('do not lose a change that is made during a read', async () => {
    const { feeds, change, hold } = setUp();
    const release = hold();
    const { got } = open(feeds);
    change(viewOf(2, 'dark'));
    release();
    await settle();
    expect(got).toEqual(['snapshot light', 'patch dark']);
  });

  it('read once for several changes during a read', async () => {
    const { feeds, change, hold, state } = setUp();
    const { got } = open(feeds);
    await settle();
    const release = hold();
    for (const [index, theme] of ['dark', 'blue', 'red'].entries()) change(viewOf(index + 2, theme));
    const { reads } = state;
    release();
    await settle();
    expect(state.reads).toBe(reads + 1);
    expect(got).toEqual(['snapshot light', 'patch dark', 'patch red']);
  });

  it('that opens during a read gets what is read after that', async () => {
    const { feeds, change, hold, state } = setUp();
    const early = open(feeds);
    await settle();
    const release = hold();
    change(viewOf(2, 'dark'));
    state.view = viewOf(3, 'blue');
    const late = open(feeds);
    release();
    await settle();
    expect(early.got).toEqual(['snapshot light', 'patch dark', 'patch blue']);
    expect(late.got).toEqual(['snapshot blue']);
  });

  it('that closes during its first read gets nothing', async () => {
    const { feeds, hold } = setUp();
    const release = hold();
    const gone = open(feeds);
    const stays = open(feeds);
    gone.close();
    release();
    await settle();
    expect([gone.got, stays.got]).toEqual([[], ['snapshot light']]);
  });

  it('without room get what they missed later, as one patch', async () => {
    const { feeds, change } = setUp();
    const { got, reader, catchUp } = open(feeds);
    await settle();
    reader.hasRoom = false;
    change(viewOf(2, 'dark'));
    await settle();
    change(viewOf(3, 'blue'));
    await settle();
    reader.hasRoom = true;
    catchUp();
    catchUp();
    expect(got).toEqual(['snapshot light', 'patch blue']);
  });

  it('get their snapshot also without room', async () => {
    const { feeds } = setUp();
    const { got, reader } = open(feeds);
    reader.hasRoom = false;
    await settle();
    expect(got).toEqual(['snapshot light']);
  });

  it('compare a change with the view before it, also if that has changed nothing for them', async () => {
    const { feeds, change } = setUp();
    const streams = [open(feeds), open(feeds)];
    await settle();
    const same = viewOf(2, 'light');
    change(same);
    await settle();
    const evaluate = vi.spyOn(EnvironmentView.prototype, 'evaluate');
    onTestFinished(() => evaluate.mockRestore());
    const next = viewOf(3, 'dark');
    change(next);
    await settle();
    for (const { got } of streams) expect(got).toEqual(['snapshot light', 'patch dark']);
    // Not the first view, which nothing needs any longer.
    const views = [...new Set(evaluate.mock.contexts)];
    expect(views.map((view) => [same, next].indexOf(view as EnvironmentView))).toEqual([0, 1]);
  });

  it('end when the environment was deleted, and leave no subscription', async () => {
    const { feeds, change, subscriptions, logged } = setUp();
    const streams = [open(feeds), open(feeds)];
    await settle();
    change(undefined);
    await settle();
    for (const { got } of streams) expect(got).toEqual(['snapshot light', 'end']);
    const late = open(feeds);
    await settle();
    expect(late.got).toEqual(['end']);
    expect(subscriptions.open).toBe(0);
    expect(logged).toEqual([]);
  });

  it('end when a read fails, which is logged without secrets, and a later one starts anew', async () => {
    const { feeds, change, state, subscriptions, logged } = setUp();
    const { got } = open(feeds);
    await settle();
    state.failure = new Error('the disk is gone: sk_hidden');
    change(viewOf(2, 'dark'));
    await settle();
    expect(got).toEqual(['snapshot light', 'end']);
    expect(subscriptions.open).toBe(0);
    expect(logged).toHaveLength(1);
    expect(logged[0]?.[1]).toContain('failed');
    expect(logged[0]?.[0]).toMatchObject({ failure: expect.anything() });
    expect(JSON.stringify(logged)).not.toContain('sk_hidden');
    state.failure = undefined;
    const next = open(feeds);
    await settle();
    expect(next.got).toEqual(['snapshot dark']);
  });

  it('that cannot be evaluated fails alone', async () => {
    const { feeds } = setUp();
    const broken = open(feeds);
    const whole = open(feeds);
    Object.defineProperty(broken.reader, 'context', {
      get: () => {
        throw new Error('no context');
      },
    });
    await settle();
    expect(broken.got).toEqual(['failed: no context']);
    expect(whole.got).toEqual(['snapshot light']);
  });
});

describe('a caller that is limited to some environments', () => {
  it('gets nothing of an environment that is called otherwise when it is first read', async () => {
    const { feeds, state, subscriptions } = setUp();
    state.view = viewOf(1, 'light', 'vault');
    const limited = open(feeds, { environments: ['development'] });
    const other = open(feeds, { environments: ['vault', 'development'] });
    const everything = open(feeds);
    await settle();
    expect(limited.got).toEqual(['end']);
    for (const { got } of [other, everything]) expect(got).toEqual(['snapshot light']);
    expect(subscriptions.open).toBe(1);
  });

  it('gets nothing either when others have streams of that environment already', async () => {
    const { feeds, change, state } = setUp();
    state.view = viewOf(1, 'light', 'vault');
    const everything = open(feeds);
    await settle();
    const limited = open(feeds, { environments: ['development'] });
    await settle();
    change(viewOf(2, 'dark', 'vault'));
    await settle();
    expect(limited.got).toEqual(['end']);
    expect(everything.got).toEqual(['snapshot light', 'patch dark']);
  });

  it('gets nothing more after it was renamed, not even that change', async () => {
    const { feeds, change } = setUp();
    const limited = open(feeds, { environments: ['development'] });
    const everything = open(feeds);
    await settle();
    change(viewOf(2, 'dark', 'vault'));
    await settle();
    expect(limited.got).toEqual(['snapshot light', 'end']);
    expect(everything.got).toEqual(['snapshot light', 'patch dark']);
  });
});

it('many new streams leave turns of the event loop to other work', async () => {
  const { feeds } = setUp();
  const streams = Array.from({ length: 60 }, () => open(feeds));
  for (const { reader } of streams) {
    Object.defineProperty(reader, 'context', {
      // Each snapshot takes a millisecond.
      get: () => {
        const endsAt = performance.now() + 1;
        while (performance.now() < endsAt);
        return {};
      },
    });
  }
  let turns = 0;
  const counter = setInterval(() => {
    turns += 1;
  }, 0);
  await expect.poll(() => streams.every(({ got }) => got.length === 1), { interval: 1 }).toBe(true);
  clearInterval(counter);
  expect(turns).toBeGreaterThan(1);
});
