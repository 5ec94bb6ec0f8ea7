import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { JsonValue } from '../wire.ts';
import { type ConfigClient, createConfigClient } from './config-client.ts';

const theme = z.enum(['light', 'dark']);
const when = { attribute: 'userId', op: 'exists' };
/** Targeted values of which the schema rejects one, and where it stands. */
const rejected: [name: string, stored: JsonValue, place: string][] = [
  ['the default', { $cohort: { defaultValue: 'pink' } }, 'defaultValue'],
  [
    'the value of a rule',
    { $cohort: { defaultValue: 'light', rules: [{ id: 'r', when, value: 'pink' }] } },
    'rules[0].value of rule "r"',
  ],
  [
    "a variant of a rule's rollout",
    {
      $cohort: {
        defaultValue: 'light',
        rules: [{ id: 'r', when, rollout: { variants: [{ value: 'pink', weight: 1 }] } }],
      },
    },
    'rules[0].rollout.variants[0] of rule "r"',
  ],
  [
    'a variant of the rollout',
    { $cohort: { defaultValue: 'light', rollout: { variants: [{ value: 'pink', weight: 0 }] } } },
    'rollout.variants[0]',
  ],
  ['the whole of it', { $cohort: 'pink' }, '"$cohort" must be an object'],
];

describe.each(rejected)('a targeted flag of which the schema rejects %s', (_, stored, place) => {
  const start = (validator: z.ZodType<string>, options: object = {}) =>
    createConfigClient({
      config: defineConfig({ flags: { theme: validator } }),
      source: new ManualSource(rulesetOf({ flags: { theme: stored } })),
      overrides: false,
      ...options,
    });

  it('fails the start by name if the key has no default', async () => {
    await using client = start(theme);
    await expect(client.ready()).rejects.toMatchObject({
      code: 'ERR_VALUES_INVALID',
      keys: [{ key: 'theme', code: 'ERR_VALUE_INVALID' }],
      message: expect.stringContaining(place),
    });
    expect(client.health().invalidKeys).toHaveLength(1);
  });

  it.each([
    ['a default', theme.default('dark'), {}],
    ['a bundled value', theme, { bundled: { defaults: { flags: { theme: 'dark' } } } }],
  ])(
    'starts with %s, serves it in place of the rejected value, and reports the key',
    async (__, validator, options) => {
      await using client = (await start(validator, options).ready()) as ConfigClient<never>;
      const read = client as unknown as { flagDetails: (key: string, context: object) => { value: unknown } };
      const values = ['u-1', 'u-2', 'u-3'].map((userId) => read.flagDetails('theme', { userId }).value);
      for (const value of values) expect(['light', 'dark']).toContain(value);
      expect(client.health().invalidKeys.map(({ key, message }) => [key, message.includes(place)])).toEqual([
        ['theme', true],
      ]);
    },
  );
});
