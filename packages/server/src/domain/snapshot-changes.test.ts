import type { JsonValue, Tier } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { at } from '../test-support/storage-fixtures.ts';
import { EnvironmentView } from './environment-view.ts';
import { type Sent, SnapshotChanges } from './snapshot-changes.ts';

type Values = Record<string, { tier: Tier; value: JsonValue }>;

/** A view with these values, whose keys are in the schema with these tiers. */
function viewOf(revision: number, values: Values): EnvironmentView {
  const environment = { id: 'e', organizationId: 'o', name: 'development', description: null, revision };
  const schema = { defaultValue: undefined, limit: undefined, schemaText: () => undefined };
  const entries = Object.entries(values);
  return new EnvironmentView(
    { ...environment, fallbackEnvironmentId: null, createdAt: at(), updatedAt: at() },
    {
      values: new Map(entries.map(([key, { tier, value }]) => [key, { tier, key, value }])),
      segments: new Map(),
    },
    { epoch: 'x', keys: new Map(entries.map(([key, { tier }]) => [key, { key, tier, ...schema }])) },
  );
}

const text = (value: JsonValue) => ({ tier: 'public' as const, value });
const flag = (value: JsonValue) => ({ tier: 'feature_flag' as const, value });
const flagFor = (country: string, value: JsonValue, defaultValue: JsonValue) =>
  flag({
    $cohort: {
      rules: [{ id: 'r', when: { attribute: 'country', op: 'in', values: [country] }, value }],
      defaultValue,
    },
  });

/** The name and the data of the event for a stream. */
function eventFor(changes: SnapshotChanges, sent: Sent, context = {}) {
  const event = changes.event(sent, context);
  if (event === undefined) return undefined;
  const { id, data } = /^id: (?<id>\d+)\nevent: \w+\ndata: (?<data>.*)\n\n$/.exec(
    Buffer.from(event.bytes).toString(),
  )?.groups ?? { id: '', data: '' };
  const patch = JSON.parse(String(data));
  expect(patch.revision).toBe(id);
  return { name: event.name, ...patch };
}

describe('the change between two views', () => {
  it('has the entries that are new or different, and the names of those that are gone', () => {
    const view = viewOf(1, { title: text('a'), color: flag('red'), size: flag(1), old: text('o') });
    const next = viewOf(2, { title: text('b'), color: flag('blue'), size: flag(1), more: flag(true) });
    expect(eventFor(new SnapshotChanges(next), { view })).toEqual({
      name: 'patch',
      revision: '2',
      public: { title: 'b' },
      flags: { color: { value: 'blue', source: 'raw' }, more: { value: true, source: 'raw' } },
      deleted: { public: ['old'] },
    });
  });

  it('moves a key whose tier has changed', () => {
    const view = viewOf(1, { a: text('x'), b: flag('y') });
    const next = viewOf(2, { a: flag('x'), b: text('y') });
    expect(eventFor(new SnapshotChanges(next), { view })).toEqual({
      name: 'patch',
      revision: '2',
      public: { b: 'y' },
      flags: { a: { value: 'x', source: 'raw' } },
      deleted: { public: ['a'], flags: ['b'] },
    });
  });

  it('moves a key also if its entry is the same', () => {
    const view = viewOf(1, { a: text({ value: 1, source: 'raw' }) });
    expect(eventFor(new SnapshotChanges(viewOf(2, { a: flag(1) })), { view })).toEqual({
      name: 'patch',
      revision: '2',
      flags: { a: { value: 1, source: 'raw' } },
      deleted: { public: ['a'] },
    });
  });

  it('keeps names that JSON escapes or JavaScript treats specially', () => {
    const view = viewOf(1, { other: text('x') });
    const next = viewOf(2, { other: text('x'), ['__proto__']: text('p'), 'a"b': text('q\n') });
    const event = new SnapshotChanges(next).event({ view }, {});
    expect(Buffer.from(event?.bytes ?? []).toString()).toBe(
      'id: 2\nevent: patch\ndata: {"revision":"2","public":{"__proto__":"p","a\\"b":"q\\n"}}\n\n',
    );
  });

  it('is an event only for the contexts whose entries differ', () => {
    const view = viewOf(1, { color: flagFor('NL', 'red', 'none') });
    const next = viewOf(2, { color: flagFor('NL', 'blue', 'none') });
    const changes = new SnapshotChanges(next);
    expect(eventFor(changes, { view }, { country: 'NL' })).toMatchObject({
      flags: { color: { value: 'blue' } },
    });
    expect(changes.event({ view }, { country: 'DE' })).toBeUndefined();
  });

  it('is one event for all streams with the same entries', () => {
    const view = viewOf(1, { color: flagFor('NL', 'red', 'none') });
    const changes = new SnapshotChanges(viewOf(2, { color: flagFor('NL', 'blue', 'other') }));
    const events = ['NL', 'DE', 'NL', 'FR'].map((country) => changes.event({ view }, { country }));
    expect(events[2]).toBe(events[0]);
    expect(events[3]).toBe(events[1]);
    expect(events[1]).not.toBe(events[0]);
  });

  it('is compared once for all streams, and keeps eight events at most', () => {
    const perUser = (value: string) =>
      flag({
        $cohort: {
          rules: Array.from({ length: 9 }, (_, user) => ({
            id: `${user}`,
            when: { attribute: 'user', op: 'in', values: [user] },
            value: `${value}${user}`,
          })),
          defaultValue: 'none',
        },
      });
    const view = viewOf(1, { color: perUser('old') });
    const changes = new SnapshotChanges(viewOf(2, { color: perUser('new') }));
    expect(changes.keysSince(view)).toBe(changes.keysSince(view));
    const eventsFor = () => Array.from({ length: 9 }, (_, user) => changes.event({ view }, { user }));
    const [first, again] = [eventsFor(), eventsFor()];
    expect(again).toEqual(first);
    const shared = first.map((event, user) => event === again[user]);
    expect(shared).toEqual([true, true, true, true, true, true, true, true, false]);
  });

  it('is a whole snapshot if the revision went back', () => {
    const view = viewOf(5, { color: flag('red') });
    const changes = new SnapshotChanges(viewOf(2, { color: flag('red') }));
    expect(eventFor(changes, { view })).toMatchObject({ name: 'snapshot', revision: '2' });
  });
});

describe('what a stream misses that has no room', () => {
  it('is later one patch, against what it was sent', () => {
    const first = viewOf(1, { color: flag('red'), size: flag(1), shape: flag('o') });
    const second = new SnapshotChanges(viewOf(2, { color: flag('blue'), size: flag(1), shape: flag('o') }));
    const third = new SnapshotChanges(viewOf(3, { color: flag('green'), size: flag(2), shape: flag('o') }));
    const fourth = new SnapshotChanges(viewOf(4, { color: flag('red'), size: flag(2) }));
    let sent: Sent = { view: first };
    for (const changes of [second, third]) sent = changes.missedBy(sent, {});
    // The color is what it was.
    expect(eventFor(fourth, sent)).toEqual({
      name: 'patch',
      revision: '4',
      flags: { size: { value: 2, source: 'raw' } },
      deleted: { flags: ['shape'] },
    });
    expect(eventFor(third, sent)).toMatchObject({ flags: { color: { value: 'green' }, size: { value: 2 } } });
  });

  it('keeps no older view', () => {
    const second = new SnapshotChanges(viewOf(2, { color: flag('blue') }));
    const sent = second.missedBy({ view: viewOf(1, { color: flag('red') }) }, {});
    expect(sent.view).toBe(second.sent.view);
    expect([...(sent.missed?.entries ?? [])]).toEqual([
      ['color', { group: 'flags', entry: { value: 'red', source: 'raw' } }],
    ]);
  });

  it('is a whole snapshot if the revision went back in the meantime', () => {
    const back = new SnapshotChanges(viewOf(2, { color: flag('blue') }));
    const sent = back.missedBy({ view: viewOf(5, { color: flag('red') }) }, {});
    expect(eventFor(new SnapshotChanges(viewOf(3, { color: flag('blue') })), sent)).toMatchObject({
      name: 'snapshot',
      revision: '3',
    });
    // Also if it misses more after that: it was sent revision 5, so it would ignore a patch with a lower one.
    const more = new SnapshotChanges(viewOf(3, { color: flag('green') }));
    const late = more.missedBy(sent, {});
    expect(eventFor(new SnapshotChanges(viewOf(4, { color: flag('blue') })), late)).toMatchObject({
      name: 'snapshot',
      revision: '4',
    });
  });
});

it('a stream that misses nothing takes no memory of its own', () => {
  const changes = new SnapshotChanges(viewOf(1, { color: flag('red') }));
  expect(changes.sent).toEqual({ view: changes.sent.view });
  expect(changes.sent.missed).toBeUndefined();
});
