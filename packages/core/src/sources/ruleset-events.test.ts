import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { RulesetOrder } from '../ruleset/ruleset-order.ts';
import { RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { runs } from '../test-support/runs.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { RulesetEvents, StreamGapError } from './ruleset-events.ts';
import type { RulesetSink } from './ruleset-source.ts';

const config = defineConfig({
  flags: { a: z.number().default(-1), b: z.number().default(-1), c: z.number().default(-1) },
});
type State = Record<string, number>;

interface Commit {
  epoch: string;
  revision: number;
  key: string;
  value: number;
  /** All values after the commit. */
  state: State;
}

class StoreSink implements RulesetSink {
  readonly store = new RulesetStore(config);
  confirmed = 0;
  pushes = 0;
  get revision() {
    return this.store.ruleset?.revision;
  }
  get epoch() {
    return this.store.ruleset?.epoch;
  }
  replace(ruleset: Ruleset) {
    this.pushes += 1;
    this.store.replace(ruleset);
  }
  patch(patch: Parameters<RulesetSink['patch']>[0]) {
    this.pushes += 1;
    this.store.patch(patch);
  }
  confirm() {
    this.confirmed += 1;
  }
  status() {}
  get state(): State {
    return Object.fromEntries(Object.entries(this.store.lastGood()?.flags ?? {})) as State;
  }
}

function whole(revision: number, flags: Record<string, JsonValue>, epoch?: string): string {
  const ruleset: Ruleset = {
    revision: String(revision),
    ...(epoch !== undefined && { epoch }),
    environment: 'development',
    public: {},
    secret: {},
    flags,
    limits: {},
    segments: {},
  };
  return `event: ruleset\ndata: ${JSON.stringify(ruleset)}\n\n`;
}

function change(revision: number, key: string, value: number): string {
  const changes = [{ tier: 'feature_flag', key, value }];
  const patch = { revision: String(revision), previousRevision: String(revision - 1), changes };
  return `event: change\ndata: ${JSON.stringify(patch)}\n\n`;
}

function connect(sink: StoreSink, isResumed = false) {
  const onActivity = vi.fn();
  return { events: new RulesetEvents({ sink, isResumed, onActivity }), onActivity };
}

describe('the events of one connection', () => {
  it('are applied as one change if they arrive together', () => {
    const sink = new StoreSink();
    const { events } = connect(sink);
    events.feed(whole(1, {}));
    const changes: (readonly string[])[] = [];
    sink.store.subscribe(({ keys }) => changes.push(keys));
    events.feed(change(2, 'a', 1) + change(3, 'b', 2) + change(4, 'a', 3));
    expect(changes).toEqual([['a', 'b']]);
    expect([sink.revision, sink.state]).toEqual(['4', { a: 3, b: 2 }]);
  });

  it('may be a burst of 10,000 changes, cut into chunks anywhere', () => {
    const sink = new StoreSink();
    const { events } = connect(sink);
    events.feed(whole(0, {}));
    let text = '';
    for (let revision = 1; revision <= 10_000; revision += 1) text += change(revision, 'a', revision);
    for (let at = 0; at < text.length; at += 65_521) events.feed(text.slice(at, at + 65_521));
    expect([sink.revision, sink.state]).toEqual(['10000', { a: 10_000 }]);
    expect(sink.pushes).toBeLessThan(100);
  });

  it('end at a gap, after the events before it were applied', () => {
    const sink = new StoreSink();
    const { events } = connect(sink);
    events.feed(whole(1, {}));
    expect(() => events.feed(change(2, 'a', 1) + change(4, 'b', 2))).toThrow(StreamGapError);
    expect([sink.revision, sink.state]).toEqual(['2', { a: 1 }]);
  });

  it('are ignored if their type is unknown, as are comments', () => {
    const sink = new StoreSink();
    const { events, onActivity } = connect(sink);
    events.feed('event: party\ndata: {"when":"now"}\n\n: hello\n\n');
    expect(onActivity).toHaveBeenCalledOnce();
    expect([sink.pushes, sink.confirmed]).toEqual([0, 0]);
  });

  it.each([
    ['a truncated ruleset', 'event: ruleset\ndata: {"revision":"1","flags":{\n\n'],
    ['HTML', 'event: ruleset\ndata: <html>\n\n'],
    ['a change without a list of changes', 'event: change\ndata: {"revision":"2","changes":{}}\n\n'],
    ['a whole ruleset without a tier', 'event: ruleset\ndata: {"revision":"2","environment":"x"}\n\n'],
  ])('are rejected without any effect: %s', (_, text) => {
    const sink = new StoreSink();
    const { events, onActivity } = connect(sink);
    expect(() => events.feed(text)).toThrow(expect.objectContaining({ code: 'ERR_RESPONSE_MALFORMED' }));
    expect([sink.pushes, onActivity.mock.calls.length]).toEqual([0, 0]);
  });

  it('are rejected if one never ends', () => {
    const { events } = connect(new StoreSink());
    events.feed('event: ruleset\ndata: ');
    const chunk = 'x'.repeat(1024 * 1024);
    expect(() => {
      for (let count = 0; count < 20; count += 1) events.feed(chunk);
    }).toThrow(/16 MiB/);
  });

  it('confirm the values only once a server that is behind has caught up', () => {
    const sink = new StoreSink();
    connect(sink).events.feed(whole(5, { a: 5 }, 'one'));
    const confirmed = sink.confirmed;
    const { events } = connect(sink, true);
    events.feed(whole(3, { a: 3 }, 'one'));
    events.feed(`:\n\n${change(4, 'a', 4)}${change(5, 'a', 5)}`);
    expect([sink.state, sink.confirmed]).toEqual([{ a: 5 }, confirmed]);
    events.feed(change(6, 'a', 6));
    expect([sink.state, sink.confirmed]).toEqual([{ a: 6 }, confirmed + 1]);
  });

  it('apply the ruleset of a restored database, and then nothing of the replaced epoch', () => {
    const sink = new StoreSink();
    connect(sink).events.feed(whole(9, { a: 9 }, 'old'));
    connect(sink).events.feed(whole(4, { a: 4 }, 'restored'));
    expect(sink.state).toEqual({ a: 4 });
    connect(sink).events.feed(whole(12, { a: 12 }, 'old') + change(13, 'a', 13));
    expect([sink.revision, sink.epoch, sink.state]).toEqual(['4', 'restored', { a: 4 }]);
  });

  it('end the connection once a refused epoch would be accepted again', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const sink = new StoreSink();
    connect(sink).events.feed(whole(9, { a: 9 }, 'old'));
    connect(sink).events.feed(whole(4, { a: 4 }, 'restored'));
    const { events } = connect(sink);
    events.feed(whole(12, { a: 12 }, 'old'));
    vi.advanceTimersByTime(4 * 60_000);
    events.feed(':\n\n');
    vi.advanceTimersByTime(60_000);
    expect(() => events.feed(':\n\n')).toThrow(StreamGapError);
    connect(sink).events.feed(whole(13, { a: 13 }, 'old'));
    expect(sink.state).toEqual({ a: 13 });
  });

  it('never produce a state that no server had, whatever is lost, repeated or out of order', () => {
    fc.assert(fc.property(fc.array(act, { maxLength: 60 }), playAndCheck), { numRuns: runs(150, 500) });
  });
});

describe('the order of rulesets', () => {
  it('refuses a replaced epoch for five minutes', () => {
    let now = 0;
    const order = new RulesetOrder(() => now);
    const [one, two] = [
      { revision: '9', epoch: 'one' },
      { revision: '1', epoch: 'two' },
    ];
    expect(order.accept(two, one)).toBe(true);
    expect(order.accept(one, two)).toBe(false);
    now += 5 * 60_000;
    expect(order.accept(one, two)).toBe(true);
    expect(order.accept(two, one)).toBe(false);
  });
});

type Act =
  | { do: 'commit'; key: string; value: number }
  | { do: 'restore'; back: number }
  | { do: 'connect'; resume: boolean }
  | { do: 'send'; from: number; order: 'in order' | 'reversed' | 'repeated' };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('commit' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.nat({ max: 9 }),
  }),
  fc.record({ do: fc.constant('restore' as const), back: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant('connect' as const), resume: fc.boolean() }),
  fc.record({
    do: fc.constant('send' as const),
    from: fc.integer({ min: -4, max: 2 }),
    order: fc.constantFrom('in order', 'reversed', 'repeated'),
  }),
);

/** Plays a server whose database may be restored, and a connection that loses, repeats and reorders events. */
function playAndCheck(acts: readonly Act[]): void {
  let epochs = 1;
  let history: Commit[] = [{ epoch: 'e1', revision: 0, key: 'a', value: 0, state: {} }];
  const known = new Map<string, State>([['e1:0', {}]]);
  const newest = (): Commit => history.at(-1) ?? fail();
  const sink = new StoreSink();
  let events: RulesetEvents | undefined;
  let sent = 0;
  const feed = (text: string): void => {
    try {
      events?.feed(text);
    } catch (error) {
      expect(error).toBeInstanceOf(StreamGapError);
      events = undefined;
    }
    if (sink.revision === undefined) return;
    expect(sink.state).toEqual(known.get(`${sink.epoch}:${sink.revision}`));
  };
  const connectAnew = (): void => {
    events = connect(sink).events;
    const { epoch, revision, state } = newest();
    sent = revision;
    feed(whole(revision, state, epoch));
  };
  for (const step of acts) {
    if (step.do === 'commit') {
      const { epoch, revision, state } = newest();
      const next = { ...state, [step.key]: step.value };
      history.push({ ...step, epoch, revision: revision + 1, state: next });
      known.set(`${epoch}:${revision + 1}`, next);
    } else if (step.do === 'restore') {
      epochs += 1;
      const epoch = `e${epochs}`;
      history = history
        .slice(0, Math.max(1, history.length - step.back))
        .map((entry) => ({ ...entry, epoch }));
      for (const { revision, state } of history) known.set(`${epoch}:${revision}`, state);
      events = undefined;
    } else if (step.do === 'connect') {
      const isKnown = sink.epoch === newest().epoch && sink.revision !== undefined;
      if (!step.resume || !isKnown) connectAnew();
      else {
        events = connect(sink, true).events;
        sent = Number(sink.revision);
      }
    } else if (events !== undefined) {
      const commits = history.filter(({ revision }) => revision > Math.max(0, sent + step.from));
      const texts = commits.map(({ revision, key, value }) => change(revision, key, value));
      if (step.order === 'reversed') texts.reverse();
      if (step.order === 'repeated') texts.push(...texts);
      feed(texts.join(''));
      sent = newest().revision;
    }
  }
  connectAnew();
  expect([sink.epoch, sink.state]).toEqual([newest().epoch, newest().state]);
}

function fail(): never {
  throw new Error('a history is never empty');
}
