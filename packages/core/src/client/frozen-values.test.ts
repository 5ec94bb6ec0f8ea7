import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { createConfigClient } from '../server.ts';
import { currentSnapshot, SnapshotStore } from '../snapshot/snapshot-store.ts';
import { closeAfterEach, json, makeClient } from '../test-support/evaluation-fixture.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { createTestClient } from '../testing.ts';

const page = z.object({ a: z.array(z.unknown()), deep: z.object({ b: z.unknown() }).optional() });
const config = defineConfig({
  public: { page: z.unknown(), parsed: page.optional(), at: z.unknown() },
  secrets: { keys: z.unknown() },
  flags: { layout: z.unknown(), variant: z.unknown() },
  limits: { seats: defineLimit({ default: 1 }) },
});
type Data = { a: unknown[]; deep?: { b: unknown } };
const data = (): Data => ({ a: [1, { c: [2] }], deep: { b: { d: 3 } } });
const targeted = (value: unknown) => ({
  $cohort: {
    rules: [{ id: 'nl', when: { attribute: 'country', op: 'exists' as const }, value }],
    rollout: { variants: [{ value, weight: 100 }] },
    defaultValue: value,
  },
});

/** Tries to change a value at each level. Each attempt must throw, as code in strict mode does on a frozen object. */
function expectFrozen(value: unknown): void {
  const { a, deep } = value as { a: [number, { c: unknown[] }]; deep: { b: { d: number } } };
  expect(() => a.push(9 as never)).toThrow(TypeError);
  expect(() => a[1].c.push(9)).toThrow(TypeError);
  expect(() => Object.assign(deep.b, { d: 9 })).toThrow(TypeError);
  expect(() => Object.assign(value as object, { added: 1 })).toThrow(TypeError);
  expect(value).toEqual(data());
}

closeAfterEach();

describe('values that are objects are deeply frozen', () => {
  const stored = rulesetOf({
    public: { page: data() as never, parsed: data() as never },
    secret: { keys: data() as never },
    flags: { layout: data() as never, variant: targeted(data()) as never },
  });
  const startClient = () =>
    createConfigClient({ config, source: new ManualSource(stored), overrides: false });

  it('public values, secrets, flags and variants', async () => {
    await using client = await startClient().ready();
    expectFrozen(client.public('page'));
    expectFrozen(client.public('parsed'));
    expectFrozen(client.secret('keys'));
    expectFrozen(client.flag('layout'));
    for (const context of [{}, { country: 'NL' }, { userId: 'u' }])
      expectFrozen(client.flag('variant', context));
    expect(client.explain('variant').evaluation.value).toEqual(data());
  });

  it('details, which are shared between calls', async () => {
    await using client = await startClient().ready();
    expect(() => Object.assign(client.flagDetails('layout'), { value: 'changed' })).toThrow(TypeError);
    expect(() => Object.assign(client.limitDetails('seats'), { value: 9 })).toThrow(TypeError);
    expect(client.flagDetails('layout')).toEqual({ value: data(), source: 'raw' });
    expectFrozen(client.flagDetails('variant', { country: 'NL' }).value);
    expectFrozen((await client.evaluateFlagDetails('layout')).value);
  });

  it("the server's evaluations and their cache", async () => {
    const options = { evaluationCache: { maxEntries: 10, ttlMs: 60_000 } };
    const result = { value: data(), source: 'rule', matchedRuleId: 'nl' };
    const flagsOnly = defineConfig({ flags: { layout: z.unknown(), since: z.unknown() } });
    const { client, server } = makeClient(flagsOnly, () => json(result), options);
    const first = await client.evaluateFlagDetails('layout');
    expectFrozen(first.value);
    expect(() => Object.assign(first, { value: 1 })).toThrow(TypeError);
    expect(await client.evaluateFlagDetails('layout')).toEqual(result);
    expect(server.paths).toHaveLength(1);
  });

  it('environment variables', async () => {
    const variables = { PAGE: JSON.stringify(data()), PARSED: JSON.stringify(data()) };
    const options = { config, source: new ManualSource(rulesetOf()), overrides: { variables } };
    await using client = await createConfigClient(options).ready();
    expectFrozen(client.public('parsed'));
  });

  it('defaults, as a copy: the object of the schema stays as the program made it', () => {
    const mine = data();
    const shared = data();
    const withDefault = defineConfig({
      public: { page: page.default(mine as never), made: z.unknown().transform(() => shared) },
      flags: { layout: page.default(mine as never), caught: page.catch(mine as never) },
    });
    const client = createTestClient({ config: withDefault });
    expectFrozen(client.public('page'));
    expectFrozen(client.public('made'));
    expectFrozen(client.flag('layout'));
    expectFrozen(client.flag('caught'));
    mine.a.push(9);
    shared.a.push(9);
    expect(client.public('page')).toEqual(data());
    expect(client.public('made')).toEqual(data());
  });

  it('values of a test client and bundled values, as copies', async () => {
    const mine = data();
    const client = createTestClient({ config, public: { page: mine }, flags: { layout: mine } });
    expectFrozen(client.public('page'));
    expectFrozen(client.flag('layout'));
    mine.a.push(9);
    expect(client.public('page')).toEqual(data());
    client.set({ public: { page: mine } });
    expect(client.public('page')).toEqual({ ...data(), a: [...data().a, 9] });

    const bundledData = data();
    const bundled = {
      defaults: {
        public: { page: bundledData, at: (values: { public: { page?: unknown } }) => values.public.page },
        secrets: { keys: {} },
      },
    };
    await using other = await createConfigClient({
      config,
      bundled: bundled as never,
      source: new ManualSource(rulesetOf()),
      overrides: false,
    }).ready();
    expectFrozen(other.public('page'));
    expectFrozen(other.public('at'));
    bundledData.a.push(9);
    expect(other.public('page')).toEqual(data());
  });

  it('snapshots: a change to one does not show in the next', async () => {
    await using client = await startClient().ready();
    const before = structuredClone(client.snapshot());
    const snapshot = client.snapshot();
    expectFrozen(snapshot.public.page);
    expectFrozen(snapshot.flags.layout?.value);
    expectFrozen(snapshot.flags.variant?.value);
    snapshot.public.page = 'changed';
    if (snapshot.flags.layout) snapshot.flags.layout.value = 'changed';
    if (snapshot.limits.seats) snapshot.limits.seats.value = 99;
    expect(client.snapshot()).toEqual(before);
  });

  it('snapshots of values that are given as stored', () => {
    const dates = defineConfig({ public: { list: z.array(z.coerce.date()) } });
    const client = createTestClient({ config: dates, public: { list: ['2026-01-01'] } });
    expect(() => (client.snapshot().public.list as unknown[]).push('x')).toThrow(TypeError);
    expect(client.snapshot().public.list).toEqual(['2026-01-01']);
  });

  it('the values of a SnapshotStore, from the first snapshot on', () => {
    const snapshot = (revision: string) => ({
      revision,
      public: { page: data() as never },
      flags: { layout: { value: data() as never, source: 'raw' as const } },
      limits: {},
    });
    const store = new SnapshotStore(snapshot('1'));
    expectFrozen(store.value('public', 'page'));
    expectFrozen(store.value('flags', 'layout'));
    store.patch({ revision: '2', public: { other: data() as never } });
    expectFrozen(store.value('public', 'other'));
    expect(() => Object.assign(currentSnapshot(store)?.public ?? {}, { page: 1 })).toThrow(TypeError);
  });
});

describe('values that cannot be frozen', () => {
  class Money {
    cents = 1;
  }
  const bytes = new Uint8Array([1]);
  const url = new URL('https://example.com');
  const holder = {
    list: [1],
    since: new Date(0),
    byName: new Map([['a', [1]]]),
    bytes,
    url,
    money: new Money(),
  };
  const withMethod = { count: 0, next: () => 1 };

  it('stay as they are inside a frozen object', () => {
    const client = createTestClient({ config, public: { page: holder } });
    const page = client.public('page') as typeof holder;
    expect(page).toStrictEqual(holder);
    expect(() => page.list.push(2)).toThrow(TypeError);
    expect(page.money).toBe(holder.money);
    expect(page.url.searchParams.append('a', 'b')).toBeUndefined();
    page.money.cents += 1;
    page.byName.set('b', []);
    page.bytes[0] = 2;
  });

  it.each([
    ['an instance', new Money()],
    ['an object with a method', withMethod],
    ['a getter', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true })],
    ['a symbol', { [Symbol('s')]: 1 }],
    ['a subclass of Array', new (class extends Array<number> {})(1, 2)],
    ['a function', () => 1],
  ])('%s keeps its identity', (_, value) => {
    const made = defineConfig({ public: { made: z.string().transform(() => value as unknown) } });
    const client = createTestClient({ config: made, public: { made: '' } });
    expect(client.public('made')).toBe(value);
    expect(Object.isFrozen(value)).toBe(false);
  });

  it('a value that contains itself, one nested deeply, and odd property names are copied', () => {
    const cyclic: Record<string, unknown> = { list: [] };
    cyclic.self = cyclic;
    const odd = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as unknown;
    const holey: unknown[] = [1];
    holey[2] = 3;
    const client = createTestClient({
      config,
      public: { page: cyclic, at: [odd, holey, Object.create(null)] },
    });
    const page = client.public('page') as typeof cyclic;
    expect(page.self).toBe(page);
    expect(page).not.toBe(cyclic);
    const [copied, sparse] = client.public('at') as [object, unknown[]];
    expect(JSON.stringify(copied)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect('polluted' in copied).toBe(false);
    expect(1 in sparse).toBe(false);
    expect(sparse).toHaveLength(3);
    let deep: unknown[] = [];
    for (let level = 0; level < 20_000; level++) deep = [deep];
    client.set({ public: { page: deep } });
    expect(() => (client.public('page') as unknown[]).push(1)).toThrow(TypeError);
  });
});
