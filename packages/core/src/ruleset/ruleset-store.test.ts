import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { JsonValue } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';
import { layerOf } from './value-layers.ts';

const config = defineConfig({ public: { title: z.string() } }) as AnyConfig;
const withTitle = (revision: string, title?: JsonValue) =>
  rulesetOf({ revision, public: title === undefined ? {} : { title } });

describe('lastGood()', () => {
  it('has the last valid value in place of a rejected one, and the rejected one is gone without it', () => {
    const store = new RulesetStore(config);
    store.replace(withTitle('1', 404));
    expect(store.lastGood()?.public).toEqual({});
    store.replace(withTitle('2', 'Shop'));
    store.replace(withTitle('3', 404));
    store.replace(withTitle('4', 405));
    expect(store.lastGood()).toMatchObject({ revision: '4', public: { title: 'Shop' } });
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
