import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Condition, JsonValue } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';
import { layerOf } from './value-layers.ts';

const config = defineConfig({ public: { title: z.string() } }) as AnyConfig;
const withTitle = (revision: string, title?: JsonValue) =>
  rulesetOf({ revision, public: title === undefined ? {} : { title } });

describe('lastGood()', () => {
  it('has the last valid value in place of a rejected one, and the rejected one is gone without it', () => {
    const store = new RulesetStore(config);
    store.replace(withTitle('1', 404));
    expect(Object.keys(store.lastGood()?.public ?? { none: 1 })).toEqual([]);
    store.replace(withTitle('2', 'Shop'));
    store.replace(withTitle('3', 404));
    store.replace(withTitle('4', 405));
    expect(store.lastGood()).toMatchObject({ revision: '4', public: { title: 'Shop' } });
  });

  it('has a valid value of the disk copy in place of one that the server sent and the schema rejects', () => {
    const store = new RulesetStore(config);
    store.setCache(withTitle('1', 'Cached'));
    store.replace(withTitle('2', 404));
    expect(store.lastGood()).toMatchObject({ revision: '2', public: { title: 'Cached' } });
  });

  it('does not bring back a value that was deleted, nor one of a better or worse origin', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([['public', 'title', 'Bundled']]));
    store.replace(withTitle('1', 'Shop'));
    store.replace(withTitle('2', 404));
    expect(store.lastGood()?.public).toEqual({ title: 'Shop' });
    store.replace(withTitle('3'));
    expect([store.get('title')?.value({}), store.originOf('title')]).toEqual(['Bundled', 'file']);
    store.replace(withTitle('4', 404));
    expect(store.lastGood()?.public).toEqual({});
  });
});

describe('the disk copy', () => {
  it('is ignored once the server has sent its values, and dropped as a whole when it does', () => {
    const store = new RulesetStore(config);
    store.setCache(withTitle('9', 'Cached'));
    expect([store.offline, store.get('title')?.value({}), store.originOf('title')]).toEqual([
      'cache',
      'Cached',
      'cache',
    ]);
    store.replace(withTitle('1', 'Shop'));
    expect([store.offline, store.originOf('title')]).toEqual([undefined, 'server']);
    expect(store.setCache(withTitle('9', 'Cached'))).toBeUndefined();
    expect([store.offline, store.get('title')?.value({})]).toEqual([undefined, 'Shop']);
    store.replace(withTitle('2'));
    // A required key whose value was deleted keeps the last one, not the copy's.
    expect([store.get('title')?.value({}), store.invalidKeys()[0]?.code]).toEqual([
      'Shop',
      'ERR_VALUE_MISSING',
    ]);
  });
});

describe('the origin of a value', () => {
  it('follows the best one that has it, also if the value is the same', () => {
    const store = new RulesetStore(config);
    expect(store.live).toBeUndefined();
    store.setFile(layerOf([['public', 'title', 'Shop']]));
    store.setCache(withTitle('1', 'Shop'));
    expect(store.originOf('title')).toBe('cache');
    store.replace(withTitle('2', 'Shop'));
    expect(store.originOf('title')).toBe('server');
    expect(store.live?.revision).toBe('2');
    store.replace(withTitle('3'));
    expect(store.originOf('title')).toBe('file');
  });

  it('is that of the bundled value which stands in for a rejected one', () => {
    const store = new RulesetStore(config);
    store.setEnvironment(layerOf([['public', 'title', 404]]));
    store.complete();
    expect([store.originOf('title'), store.invalidKeys()[0]?.code]).toEqual(['none', 'ERR_VALUE_INVALID']);
    store.setFile(layerOf([['public', 'title', 'Bundled']]));
    expect([store.originOf('title'), store.get('title')?.value({})]).toEqual(['file', 'Bundled']);
    expect(store.invalidKeys()[0]?.code).toBe('ERR_VALUE_INVALID');
  });
});

it('a targeted bundled value never stands in for a rejected one: it may be meant for few contexts', () => {
  const flags = { layout: z.looseObject({}).default({ isDefault: true }) };
  const store = new RulesetStore(defineConfig({ flags }) as AnyConfig);
  store.setFile(layerOf([['feature_flag', 'layout', { $cohort: { defaultValue: { isDefault: false } } }]]));
  store.replace(rulesetOf({ flags: { layout: 404 } }));
  expect(store.get('layout')?.evaluate({})).toEqual({
    value: { isDefault: true },
    source: 'default',
    errorCode: 'ERR_VALUE_INVALID',
  });
});

describe('listeners', () => {
  it('are called once for each change, in order, also for one that a listener makes', () => {
    const store = new RulesetStore(config);
    const seen: string[] = [];
    store.subscribe(({ revision }) => {
      seen.push(`first ${revision}`);
      if (revision === '1') store.replace(withTitle('2', 'Two'));
    });
    store.subscribe(({ revision, keys, isLive }) => seen.push(`second ${revision} ${keys.join()} ${isLive}`));
    store.replace(withTitle('1', 'One'));
    expect(seen).toEqual(['first 1', 'second 1 title true', 'first 2', 'second 2 title true']);
    // The server has confirmed the same values.
    store.replace(withTitle('3', 'Two'));
    expect(seen.slice(4)).toEqual(['first 3', 'second 3  true']);
    // An older ruleset changes nothing.
    store.replace(withTitle('2', 'Old'));
    expect(seen).toHaveLength(6);
  });

  it('that an earlier one has unsubscribed are not called, and each subscription ends on its own', () => {
    const store = new RulesetStore(config);
    const listener = vi.fn();
    const stops: (() => void)[] = [];
    store.subscribe(() => stops.shift()?.());
    stops.push(store.subscribe(listener), store.subscribe(listener));
    store.replace(withTitle('1', 'One'));
    expect(listener).toHaveBeenCalledTimes(1);
    store.replace(withTitle('2', 'Two'));
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('that throw or reject keep no others from the change', async () => {
    const errors: unknown[] = [];
    const store = new RulesetStore(config, (error) => errors.push(error));
    const last = vi.fn();
    store.subscribe(() => {
      throw new Error('thrown');
    });
    store.subscribe(() => Promise.reject(new Error('rejected')));
    store.subscribe(last);
    store.replace(withTitle('1', 'One'));
    store.replace(withTitle('2', 'Two'));
    await Promise.resolve();
    await expect.poll(() => errors).toHaveLength(4);
    expect(errors.map(String).sort()).toEqual([
      ...['Error: rejected', 'Error: rejected', 'Error: thrown', 'Error: thrown'],
    ]);
    expect(last).toHaveBeenCalledTimes(2);
  });

  it('are not called by bundled values, variables or a disk copy that change nothing', () => {
    const store = new RulesetStore(config);
    const seen: unknown[] = [];
    store.subscribe((change) => seen.push(change));
    store.setEnvironment(undefined);
    store.setFile(layerOf([]));
    expect(seen).toEqual([]);
    store.setFile(layerOf([['public', 'title', 'Bundled']]));
    store.setEnvironment(layerOf([['public', 'title', 'Variable']]));
    store.setCache(withTitle('7', 'Cached'));
    const titles = ['Bundled', 'Variable'].map(() => ({ revision: '0', keys: ['title'], isLive: false }));
    expect(seen).toEqual(titles);
    expect(store.get('title')?.value({})).toBe('Variable');
    expect([store.ruleset?.revision, store.live]).toEqual(['7', undefined]);
  });
});

describe('a required key without a value', () => {
  it('is missing only once no ruleset is coming for now', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([]));
    expect([store.get('title'), store.originOf('title'), store.invalidKeys()]).toEqual([
      undefined,
      'none',
      [],
    ]);
    const seen = vi.fn();
    store.subscribe(seen);
    store.complete();
    store.complete();
    expect(store.invalidKeys().map(({ key, code }) => [key, code])).toEqual([['title', 'ERR_VALUE_MISSING']]);
    expect(seen).toHaveBeenCalledTimes(1);
    store.replace(withTitle('1', 'One'));
    expect(store.invalidKeys()).toEqual([]);
  });

  it('of bundled values that are replaced has not arrived any more', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([['public', 'title', 'Bundled']]));
    expect(store.get('title')?.value({})).toBe('Bundled');
    store.setFile(layerOf([]));
    expect([store.get('title'), store.invalidKeys()]).toEqual([undefined, []]);
  });
});

describe('patches', () => {
  const patchOf = (revision: string, title?: string) => ({
    revision,
    previousRevision: String(Number(revision) - 1),
    changes: [
      title === undefined
        ? { tier: 'public' as const, key: 'title', deleted: true as const }
        : { tier: 'public' as const, key: 'title', value: title },
    ],
  });

  it('are one change, up to the first that does not follow', () => {
    const store = new RulesetStore(config);
    const seen: unknown[] = [];
    const stop = store.subscribe((change) => seen.push(change));
    store.patch(patchOf('1', 'Early'));
    expect(seen).toEqual([]);
    stop();
    store.replace(withTitle('1', 'One'));
    store.subscribe((change) => seen.push(change));
    store.patch([patchOf('1', 'Seen'), patchOf('2', 'Two'), patchOf('3', 'Three'), patchOf('5', 'Five')]);
    expect(seen).toEqual([{ revision: '3', keys: ['title'], isLive: true }]);
    expect(store.get('title')?.value({})).toBe('Three');
    store.patch([patchOf('2', 'Two'), patchOf('5', 'Five')]);
    expect(seen).toHaveLength(1);
    store.patch(patchOf('4', 'Three'));
    expect(seen.at(-1)).toEqual({ revision: '4', keys: [], isLive: true });
    store.patch({ revision: '5', changes: [{ tier: 'public', key: 'unknown', value: 1 }] });
    expect(seen.at(-1)).toEqual({ revision: '5', keys: [], isLive: true });
  });
});

it('explains targeted values that are stored, and nothing else', () => {
  const flags = { theme: z.string().default('light'), layout: z.string().default('wide') };
  const store = new RulesetStore(defineConfig({ ...{ public: { title: z.string() } }, flags }) as AnyConfig);
  const dutch: Condition = { segment: 'dutch' };
  const theme = { $cohort: { rules: [{ id: 'nl', when: dutch, value: 'dark' }], defaultValue: 'light' } };
  const segments = { dutch: { attribute: 'country', op: 'in', values: ['NL'] } as Condition };
  store.replace(rulesetOf({ public: { title: 'Shop' }, flags: { theme } as never, segments }));
  expect(store.explain('theme', { country: 'NL' })).toMatchObject({
    key: 'theme',
    evaluation: { value: 'dark' },
    isTargeted: true,
  });
  for (const key of ['layout', 'title', 'unknown']) expect(store.explain(key, {})).toBeUndefined();
  // A change of the segment alone changes the flags that use it.
  const seen: (readonly string[])[] = [];
  store.subscribe(({ keys }) => seen.push(keys));
  store.patch({ revision: '2', changes: [{ segments: { dutch: { all: [] } } }] });
  expect([seen, store.get('theme')?.value({})]).toEqual([[['theme']], 'dark']);
  expect(store.defaultOf('theme')).toEqual({ ok: true, value: 'light' });
  expect([store.defaultOf('unknown'), store.originOf('unknown')]).toEqual([undefined, 'none']);
  expect(store.originOf('layout')).toBe('default');
});
