import { expect, it } from 'vitest';
import type { KeyDefinition } from '../schema/config-types.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { layerOf, ValueLayers } from './value-layers.ts';

const title = { tier: 'public', key: 'title' } as KeyDefinition;
const bundled = layerOf([['public', 'title', 'bundled']], { near: { attribute: 'country', op: 'exists' } });

it('a client can start from the disk copy, else from bundled values, else from none', () => {
  const layers = new ValueLayers();
  expect(layers.offline).toBeUndefined();
  layers.setFile(bundled);
  expect(layers.offline).toBe('file');
  layers.setCache(rulesetOf());
  expect(layers.offline).toBe('cache');
});

it('bundled values are the last choice, or the first if they are set so', () => {
  const layers = new ValueLayers();
  expect(layers.pick(title)).toEqual({ stored: undefined, layer: undefined });
  layers.setServer(rulesetOf({ public: { title: 'live' } }), undefined);
  layers.setFile(bundled);
  expect(layers.pick(title)).toEqual({ stored: 'live', layer: 'server' });
  layers.setFile(bundled, { isFirst: true });
  expect(layers.pick(title)).toEqual({ stored: 'bundled', layer: 'file' });
  layers.setFile(layerOf([]), { isFirst: true });
  expect(layers.pick(title)).toEqual({ stored: 'live', layer: 'server' });
});

it('a rejected bundled value does not stand in for itself', () => {
  const layers = new ValueLayers();
  layers.setFile(bundled);
  expect([layers.bundled(title, 'server'), layers.bundled(title, 'file')]).toEqual(['bundled', undefined]);
});

it('a key without a bundled value has no layer', () => {
  const layers = new ValueLayers();
  layers.setFile(layerOf([]));
  expect(layers.pick(title)).toEqual({ stored: undefined, layer: undefined });
});

it('the ruleset as JSON names its epoch only if it has one', () => {
  const layers = new ValueLayers();
  const ruleset = rulesetOf({ public: { title: 'live' } });
  layers.setServer(ruleset, undefined);
  expect(layers.serverJson()).toStrictEqual(ruleset);
  layers.setServer(ruleset, 'epoch');
  expect(layers.serverJson()).toStrictEqual({ ...ruleset, epoch: 'epoch' });
});

it('a patch without a ruleset changes nothing', () => {
  const layers = new ValueLayers();
  const changes = [{ tier: 'public' as const, key: 'title', value: 'x' }];
  expect(layers.patchServer({ revision: '2', changes })).toEqual(new Set());
  expect(layers.pick(title).stored).toBeUndefined();
});
