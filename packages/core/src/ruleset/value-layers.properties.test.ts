import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { readEnvironmentOverrides } from '../sources/env-overrides.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';
import { layerOf, type ValueOrigin } from './value-layers.ts';

/** A flag with a default and one without; what is valid is a text of lower case. */
const value = z.string().regex(/^[a-z]+$/);
const config = defineConfig({ flags: { optional: value.default('default'), required: value } }) as AnyConfig;
const KEYS = ['optional', 'required'] as const;
type Key = (typeof KEYS)[number];

type State = 'absent' | 'valid' | 'invalid' | 'targeted';
const STATES: readonly State[] = ['absent', 'valid', 'invalid', 'targeted'];
const stored = (state: State, name: string): JsonValue | undefined =>
  state === 'absent'
    ? undefined
    : state === 'valid'
      ? name
      : state === 'invalid'
        ? `INVALID ${name}`
        : { $cohort: { defaultValue: name } };

interface Given {
  override: 'absent' | 'valid' | 'invalid';
  cache: State;
  file: State;
  /** What the server says, one after the other. */
  server: readonly State[];
}

/** The newest value that is valid, with where it comes from. */
interface Served {
  value: string | undefined;
  source: ValueOrigin;
}

/**
 * What is served of a key, written out: a variable; else the newest value of the server, or of its disk copy before the
 * server was heard of; else the bundled one; else the default. In place of a refused value, or of one that is needed and
 * was deleted, stays the one before, unless that was targeted. A refused bundled value is as good as none.
 */
function expected(key: Key, { override, cache, file, server }: Given): Served & { isInvalid: boolean } {
  const fallback: Served =
    key === 'optional' ? { value: 'default', source: 'default' } : { value: undefined, source: 'none' };
  if (override === 'valid') return { value: 'override', source: 'environment', isInvalid: false };
  let served: Served = fallback;
  let keeps = false;
  let isInvalid = false;
  const take = (state: State, name: string, source: ValueOrigin, isComplete: boolean): void => {
    const below: State = source === 'file' ? 'absent' : file;
    const picked = state === 'absent' ? below : state;
    const from = state === 'absent' ? 'file' : source;
    const text = state === 'absent' ? 'file' : name;
    const stand: Served = from !== 'file' && file === 'valid' ? { value: 'file', source: 'file' } : fallback;
    if (picked === 'valid' || picked === 'targeted') {
      served = { value: text, source: from };
      keeps = picked === 'valid';
      isInvalid = false;
      return;
    }
    if (picked === 'absent' && !isComplete) {
      served = fallback;
      keeps = false;
      isInvalid = false;
      return;
    }
    isInvalid = picked === 'invalid' || fallback.value === undefined;
    const isDeleted = from === 'file' && fallback.value !== undefined;
    if (keeps && isInvalid && !isDeleted) return;
    served = stand;
    keeps = stand.value !== undefined;
  };
  if (file !== 'absent') take(file, 'file', 'file', false);
  if (cache !== 'absent') take(cache, 'cache', 'cache', false);
  server.forEach((state, index) => {
    take(state, nameOf(index), 'server', true);
  });
  return { ...served, isInvalid };
}

/** A text of lower case for each revision. */
const nameOf = (index: number): string => `server${String.fromCharCode(97 + index)}`;

function flags(state: State, name: string): Record<string, JsonValue> {
  const text = stored(state, name);
  return text === undefined ? {} : Object.fromEntries(KEYS.map((key) => [key, text]));
}

function fill(given: Given): { store: RulesetStore; heard: string[][]; rulesets: Ruleset[] } {
  const store = new RulesetStore(config);
  const heard: string[][] = [];
  const { override, cache, file, server } = given;
  if (override !== 'absent') {
    const text = override === 'valid' ? 'override' : 'INVALID';
    const { values, invalid } = readEnvironmentOverrides(config, { OPTIONAL: text, REQUIRED: text });
    expect(invalid.length).toBe(override === 'valid' ? 0 : 2);
    store.setEnvironment(values);
  }
  if (file !== 'absent') {
    const entries = Object.entries(flags(file, 'file'));
    store.setFile(layerOf(entries.map(([key, text]) => ['feature_flag', key, text] as const)));
  }
  if (cache !== 'absent') store.setCache(rulesetOf({ flags: flags(cache, 'cache') }));
  store.subscribe(({ keys }) => heard.push([...keys]));
  const rulesets = server.map((state, index) =>
    rulesetOf({ revision: String(index + 1), flags: flags(state, nameOf(index)) }),
  );
  for (const ruleset of rulesets) store.replace(ruleset);
  return { store, heard, rulesets };
}

function servedBy(store: RulesetStore, key: Key): Served & { isInvalid: boolean } {
  const compiled = store.get(key);
  const fallback = store.defaultOf(key);
  const standIn = fallback?.ok === true ? (fallback.value as string) : undefined;
  return {
    value: compiled === undefined ? standIn : (compiled.value({}) as string | undefined),
    source: store.originOf(key),
    isInvalid: store.invalidKeys().some((entry) => entry.key === key),
  };
}

function check(given: Given): void {
  const { store } = fill(given);
  for (const key of KEYS) {
    expect([given, key, servedBy(store, key)]).toEqual([given, key, expected(key, given)]);
  }
}

const OVERRIDES = ['absent', 'valid', 'invalid'] as const;

describe('the value of a key', () => {
  it('is that of the best origin, in every combination of them', () => {
    for (const override of OVERRIDES) {
      for (const cache of STATES) {
        for (const file of STATES) {
          check({ override, cache, file, server: [] });
          for (const first of STATES) {
            check({ override, cache, file, server: [first] });
            for (const second of STATES) check({ override, cache, file, server: [first, second] });
          }
        }
      }
    }
  });

  const anyGiven = fc.record({
    override: fc.constantFrom(...OVERRIDES),
    cache: fc.constantFrom(...STATES),
    file: fc.constantFrom(...STATES),
    server: fc.array(fc.constantFrom(...STATES), { maxLength: 12 }),
  });

  it('is so after any history, by patches and by whole rulesets', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        check(given);
        const whole = fill(given).store;
        const { server } = given;
        const patched = fill({ ...given, server: server.slice(0, 1) }).store;
        server.slice(1).forEach((state, index) => {
          const text = stored(state, nameOf(index + 1));
          const changes = KEYS.map((key) =>
            text === undefined
              ? ({ tier: 'feature_flag', key, deleted: true } as const)
              : ({ tier: 'feature_flag', key, value: text } as const),
          );
          patched.patch({ revision: String(index + 2), changes });
        });
        for (const key of KEYS) expect(servedBy(patched, key)).toEqual(servedBy(whole, key));
        expect(patched.lastGood()).toEqual(whole.lastGood());
      }),
      { numRuns: 500 },
    );
  });

  it('is never one that the schema refuses, and none comes back from a disk copy that was deleted', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const { store } = fill(given);
        for (const key of KEYS) {
          const { value: served } = servedBy(store, key);
          if (served !== undefined) expect(served).toMatch(/^[a-z]+$/);
        }
        const last = given.server.at(-1);
        if (last === 'absent') expect(servedBy(store, 'optional').source).not.toBe('cache');
        // What is written to disk is valid by itself, and is served by the next process as it was by this one.
        const good = store.lastGood();
        if (good === undefined || given.override === 'valid') return;
        const next = new RulesetStore(config);
        next.setCache(good);
        expect(next.invalidKeys()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('of a segment that is bundled gives way to that of the server, and comes back with its deletion', () => {
    const store = new RulesetStore(config);
    const rules = [{ id: 'r', when: { segment: 'staff' }, value: 'on' }];
    const flag: JsonValue = { $cohort: { defaultValue: 'off', rules } };
    const inCountry = (country: string) => ({ attribute: 'country', op: 'in' as const, values: [country] });
    store.setFile(layerOf([], { staff: inCountry('NL') }));
    const answers = () => ['NL', 'DE'].map((country) => store.get('optional')?.value({ country }));
    const heard: string[][] = [];
    store.subscribe(({ keys }) => heard.push([...keys]));
    store.replace(rulesetOf({ flags: { optional: flag } }));
    const bundled = answers();
    store.patch({ revision: '2', changes: [{ segments: { staff: inCountry('DE') } }] });
    const served = answers();
    store.patch({ revision: '3', changes: [{ segments: {} }] });
    expect([bundled, served, answers()]).toEqual([
      ['on', 'off'],
      ['off', 'on'],
      ['on', 'off'],
    ]);
    expect(heard.slice(1)).toEqual([['optional'], ['optional']]);
  });
});
