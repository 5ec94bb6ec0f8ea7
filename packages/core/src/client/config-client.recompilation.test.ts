import type { StandardSchemaV1 } from '@standard-schema/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Condition,
  defineConfig,
  evaluate,
  type InvalidKey,
  type JsonValue,
  type Segments,
} from '../index.ts';
import { createConfigClient } from '../server.ts';
import * as arbitrary from '../test-support/arbitrary-targeting.ts';
import { createLenientClient } from '../test-support/lenient-client.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { runs } from '../test-support/runs.ts';

const KEYS = ['one', 'two', 'three'] as const;
type Key = (typeof KEYS)[number];

/** A client whose validators record their calls. */
function start(flags: Partial<Record<Key, JsonValue>>, segments: Segments) {
  const validated: Key[] = [];
  const counting = (key: Key): StandardSchemaV1 => ({
    '~standard': {
      version: 1,
      vendor: 'counting',
      validate: (value) => {
        validated.push(key);
        return { value };
      },
    },
  });
  const config = defineConfig({
    flags: { one: counting('one'), two: counting('two'), three: counting('three') },
  });
  const client = createLenientClient({ config, flags, segments });
  const changes: string[][] = [];
  client.subscribe(({ keys }) => changes.push([...keys].sort()));
  validated.length = 0;
  return { client, validated, changes };
}

const nl: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
const be: Condition = { attribute: 'country', op: 'in', values: ['BE'] };
const on = (when: Condition): JsonValue =>
  ({ $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } }) as unknown as JsonValue;

describe('a change', () => {
  it('validates the values of the changed keys once each, and no others', () => {
    const { client, validated, changes } = start({ one: on(nl), two: on(nl), three: 1 }, {});
    client.set({ flags: { two: on(be) } });
    expect(validated).toEqual(['two', 'two']);
    client.set({ flags: { two: on(be), one: on(nl) } });
    client.set({ flags: { three: 1 } });
    expect(validated).toHaveLength(2);
    expect(changes).toEqual([['two']]);
  });

  it('of a segment affects every flag that uses it, and no others', () => {
    const shared: Condition = { segment: 'shared' };
    const flags = { one: on(shared), two: on({ not: shared }), three: on(be) };
    const { client, validated, changes } = start(flags, { shared: nl });
    client.set({ segments: { shared: be } });
    expect([...new Set(validated)]).toEqual(['one', 'two']);
    expect(changes).toEqual([['one', 'two']]);
    expect(KEYS.map((key) => client.flag(key, { country: 'BE' }))).toEqual([true, false, true]);
    // Flags and their segment may change together, as one change.
    client.set({ flags: { one: on({ not: shared }) }, segments: { shared: nl } });
    expect(changes.at(-1)).toEqual(['one', 'two']);
    expect(KEYS.map((key) => client.flag(key, { country: 'BE' }))).toEqual([true, true, true]);
    expect(KEYS.map((key) => client.flag(key, { country: 'NL' }))).toEqual([false, false, false]);
  });

  it('leaves every flag as if all had been recompiled, whatever changes in whatever order', () => {
    const step = fc.record(
      { key: fc.constantFrom(...KEYS), stored: arbitrary.stored, segments: arbitrary.segments },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 6 }), arbitrary.context, (steps, context) => {
        const { client } = start({}, {});
        const flags = new Map<Key, JsonValue>();
        let segments: Segments = {};
        for (const { key = 'one', stored, segments: changed = {} } of steps) {
          segments = { ...segments, ...changed };
          if (stored !== undefined) flags.set(key, stored);
          client.set({ flags: Object.fromEntries(flags), segments: changed });
          for (const [name, value] of flags) {
            expect(client.flagDetails(name, context)).toStrictEqual(evaluate(name, value, context, segments));
          }
        }
      }),
      { numRuns: runs(150, 1_000) },
    );
  });

  it('to an invalid value is reported by an event and by health(), with its rule', async () => {
    const config = defineConfig({ flags: { theme: z.enum(['light', 'dark']).default('light') } });
    const source = new ManualSource(rulesetOf({ flags: { theme: 'dark' } }));
    const reported: InvalidKey[] = [];
    const client = await createConfigClient({
      config,
      source,
      onEvent: (event) => {
        if (event.type === 'invalid') reported.push(...event.keys);
      },
    }).ready();
    expect([...reported, ...client.health().invalidKeys]).toEqual([]);
    const rules = [{ id: 'beta', when: nl, value: 'pink' }];
    const theme = { $cohort: { rules, defaultValue: 'dark' } } as unknown as JsonValue;
    source.sink?.patch({ revision: '2', changes: [{ tier: 'feature_flag', key: 'theme', value: theme }] });
    expect(reported).toEqual(client.health().invalidKeys);
    expect(reported).toMatchObject([{ key: 'theme', code: 'ERR_VALUE_INVALID' }]);
    expect(reported[0]?.message).toContain('rules[0].value of rule "beta"');
    expect(client.flagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    });
    await client.close();
  });
});
