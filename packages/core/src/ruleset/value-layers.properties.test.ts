import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { readEnvironmentOverrides } from '../sources/env-overrides.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { runs } from '../test-support/runs.ts';
import type { JsonValue } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';
import { layerOf, type ValueOrigin } from './value-layers.ts';

/** A flag with a default and one without. Valid values are lower-case strings. */
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
  /** The states that the server sends, in order. */
  server: readonly State[];
}

interface Served {
  value: string | undefined;
  origin: ValueOrigin;
}

/**
 * A model of what is served for a key: an environment variable, else the newest value of the server or, before its
 * first values, of its disk copy, else the bundled value, else the default. If a value is rejected, or a required
 * one deleted, the previous one is kept unless it was targeted. A rejected bundled value counts as absent.
 */
function expected(key: Key, { override, cache, file, server }: Given): Served & { isInvalid: boolean } {
  const fallback: Served =
    key === 'optional' ? { value: 'default', origin: 'default' } : { value: undefined, origin: 'none' };
  if (override === 'valid') return { value: 'override', origin: 'environment', isInvalid: false };
  let served: Served = fallback;
  let canKeep = false;
  let isInvalid = false;
  const apply = (state: State, name: string, origin: ValueOrigin, isComplete: boolean): void => {
    const below: State = origin === 'file' ? 'absent' : file;
    const picked = state === 'absent' ? below : state;
    const from = state === 'absent' ? 'file' : origin;
    const text = state === 'absent' ? 'file' : name;
    const instead: Served =
      from !== 'file' && file === 'valid' ? { value: 'file', origin: 'file' } : fallback;
    if (picked === 'valid' || picked === 'targeted') {
      served = { value: text, origin: from };
      canKeep = picked === 'valid';
      isInvalid = false;
      return;
    }
    if (picked === 'absent' && !isComplete) {
      served = fallback;
      canKeep = false;
      isInvalid = false;
      return;
    }
    isInvalid = picked === 'invalid' || fallback.value === undefined;
    const isDeleted = from === 'file' && fallback.value !== undefined;
    if (canKeep && isInvalid && !isDeleted) return;
    served = instead;
    canKeep = instead.value !== undefined;
  };
  if (file !== 'absent') apply(file, 'file', 'file', false);
  if (cache !== 'absent') apply(cache, 'cache', 'cache', false);
  server.forEach((state, index) => {
    apply(state, nameOf(index), 'server', true);
  });
  return { ...served, isInvalid };
}

/** A valid value for each revision. */
const nameOf = (index: number): string => `server${String.fromCharCode(97 + index)}`;

function flags(state: State, name: string): Record<string, JsonValue> {
  const text = stored(state, name);
  return text === undefined ? {} : Object.fromEntries(KEYS.map((key) => [key, text]));
}

function fill(given: Given): RulesetStore {
  const store = new RulesetStore(config);
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
  server.forEach((state, index) => {
    store.replace(rulesetOf({ revision: String(index + 1), flags: flags(state, nameOf(index)) }));
  });
  return store;
}

function servedBy(store: RulesetStore, key: Key): Served & { isInvalid: boolean } {
  const compiled = store.get(key);
  const fallback = store.defaultOf(key);
  const defaultValue = fallback?.ok === true ? (fallback.value as string) : undefined;
  return {
    value: compiled === undefined ? defaultValue : (compiled.value({}) as string | undefined),
    origin: store.originOf(key),
    isInvalid: store.invalidKeys().some((entry) => entry.key === key),
  };
}

function check(given: Given): void {
  const store = fill(given);
  for (const key of KEYS) {
    expect([given, key, servedBy(store, key)]).toEqual([given, key, expected(key, given)]);
  }
}

const OVERRIDES = ['absent', 'valid', 'invalid'] as const;

describe('the value of a key', () => {
  it('comes from the best origin, in every combination of origins', () => {
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

  it('does so after any history, of patches and of whole rulesets', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        check(given);
        const whole = fill(given);
        const { server } = given;
        const patched = fill({ ...given, server: server.slice(0, 1) });
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
      { numRuns: runs(150, 500) },
    );
  });

  it('is never invalid, and a deleted one does not come back from the disk copy', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const store = fill(given);
        for (const key of KEYS) {
          const { value: served } = servedBy(store, key);
          if (served !== undefined) expect(served).toMatch(/^[a-z]+$/);
        }
        const last = given.server.at(-1);
        if (last === 'absent') expect(servedBy(store, 'optional').origin).not.toBe('cache');
        // The values written to disk are valid on their own, for the next process.
        const copy = store.lastGood();
        if (copy === undefined || given.override === 'valid') return;
        const next = new RulesetStore(config);
        next.setCache(copy);
        expect(next.invalidKeys()).toEqual([]);
      }),
      { numRuns: runs(150, 500) },
    );
  });

  it('depends on a bundled segment until the server defines it, and again after that is deleted', () => {
    const store = new RulesetStore(config);
    const rules = [{ id: 'r', when: { segment: 'staff' }, value: 'on' }];
    const flag: JsonValue = { $cohort: { defaultValue: 'off', rules } };
    const inCountry = (country: string) => ({ attribute: 'country', op: 'in' as const, values: [country] });
    store.setFile(layerOf([], { staff: inCountry('NL') }));
    const evaluateBoth = () => ['NL', 'DE'].map((country) => store.get('optional')?.value({ country }));
    const changes: string[][] = [];
    store.subscribe(({ keys }) => changes.push([...keys]));
    store.replace(rulesetOf({ flags: { optional: flag } }));
    const bundled = evaluateBoth();
    store.patch({ revision: '2', changes: [{ segments: { staff: inCountry('DE') } }] });
    const served = evaluateBoth();
    store.patch({ revision: '3', changes: [{ segments: {} }] });
    expect([bundled, served, evaluateBoth()]).toEqual([
      ['on', 'off'],
      ['off', 'on'],
      ['on', 'off'],
    ]);
    expect(changes.slice(1)).toEqual([['optional'], ['optional']]);
  });
});
