import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

const everyone = { all: [] };
const when = (condition: unknown): unknown => ({
  $cohort: { rules: [{ id: 'r', when: condition, value: true }], defaultValue: false },
});
const weights = (...list: unknown[]): unknown => ({
  $cohort: { rollout: { variants: list.map((weight) => ({ value: true, weight })) }, defaultValue: false },
});

function nested(levels: number): unknown {
  let condition: unknown = everyone;
  for (let level = 1; level < levels; level++) condition = { not: condition };
  return condition;
}

/** A value, the place that the server must name and the remedy that it must give. */
const REFUSED: [name: string, value: unknown, place: string, remedy: string][] = [
  [
    'an unknown operator',
    when({ attribute: 'a', op: 'equals', values: [1] }),
    'rules[0].when.op',
    'Use one of exists, in',
  ],
  [
    'no condition',
    { $cohort: { rules: [{ id: 'r', value: true }], defaultValue: false } },
    'rules[0].when',
    'Give the condition',
  ],
  ['two forms', when({ all: [], any: [] }), 'rules[0].when', 'must have exactly one of all'],
  ['an unknown field', when({ ...everyone, also: 1 }), 'rules[0].when.also', 'Remove it'],
  ['an unknown segment', when({ segment: 'nobody' }), 'rules[0].when.segment', 'Create it first'],
  [
    'an invalid pattern',
    when({ attribute: 'a', op: 'matches', values: ['('] }),
    'rules[0].when.values[0]',
    'Correct it',
  ],
  [
    'a pattern with exponential time',
    when({ attribute: 'a', op: 'matches', values: ['^(a+)+$'] }),
    'rules[0].when.values[0]',
    'anchor it',
  ],
  [
    'a pattern with exponential time only if case is ignored',
    when({ attribute: 'a', op: 'matches', values: ['^(?:[a-z]|[A-Z])*$'], ignoreCase: true }),
    'rules[0].when.values[0]',
    'anchor it',
  ],
  [
    'a bare date',
    when({ attribute: 'a', op: 'before', values: ['2026-01-01'] }),
    'rules[0].when.values[0]',
    'Write it with time and offset',
  ],
  [
    'a version with a v',
    when({ attribute: 'a', op: 'semverGt', values: ['v2'] }),
    'rules[0].when.values[0]',
    'without a leading',
  ],
  [
    'a number as text',
    when({ attribute: 'a', op: 'gt', values: ['5'] }),
    'rules[0].when.values[0]',
    'compares with numbers',
  ],
  ['33 levels', when(nested(33)), 'rules[0].when.not.not…', 'Move a part of it into a segment'],
  ['weights above 100 in sum', weights(60, 50), 'rollout.variants', 'Lower them to 100'],
  ['a weight below 0', weights(-1), 'rollout.variants[0].weight', 'between 0 and 100'],
  ['three decimals', weights(33.333), 'rollout.variants[0].weight', 'Round it'],
  ['a weight as text', weights('50'), 'rollout.variants[0].weight', 'must be a number'],
  [
    'neither value nor rollout',
    { $cohort: { rules: [{ id: 'r', when: everyone }], defaultValue: false } },
    'rules[0]',
    'Give exactly one',
  ],
  [
    'the same id twice',
    { $cohort: { rules: [1, 2].map(() => ({ id: 'r', when: everyone, value: true })), defaultValue: false } },
    'rules[1].id',
    'a name of its own',
  ],
  ['no default', { $cohort: {} }, 'defaultValue', 'Give the value for everyone'],
  ['a $cohort that is not an object', { $cohort: null }, '$cohort', 'Give at least'],
  ['a default that the schema refuses', { $cohort: { defaultValue: 'yes' } }, 'defaultValue', 'boolean'],
  [
    'a rule value that the schema refuses',
    { $cohort: { rules: [{ id: 'r', when: everyone, value: 'yes' }], defaultValue: false } },
    'rules[0].value',
    'boolean',
  ],
  [
    'a variant that the schema refuses',
    { $cohort: { rollout: { variants: [{ value: 1, weight: 5 }] }, defaultValue: false } },
    'rollout.variants[0].value',
    'boolean',
  ],
  [
    '1,001 rules',
    {
      $cohort: {
        rules: Array.from({ length: 1_001 }, (_, index) => ({
          id: `r${index}`,
          when: everyone,
          value: true,
        })),
        defaultValue: false,
      },
    },
    'rules',
    'at most 1000',
  ],
  [
    '10,001 values',
    when({ attribute: 'a', op: 'in', values: Array.from({ length: 10_001 }, (_, index) => index) }),
    'rules[0].when.values',
    'at most 10000',
  ],
];

describe('invalid targeting', () => {
  it('is refused with its place and a remedy', async () => {
    const shop = await startShop();
    for (const [name, value, place, remedy] of REFUSED) {
      const body = { ...shop.write({ key: 'newCheckout', value: null }), value };
      const { status, body: refusal } = await shop.call('PUT', '/values', body);
      expect(status, name).toBe(400);
      const path = place.startsWith('$') ? `value.${place}` : `value.$cohort.${place}`;
      // A path that ends in … was shortened.
      expect(refusal.message, name).toContain(path.endsWith('…') ? path.slice(0, -1) : `${path}"`);
      expect(refusal.message, name).toContain(remedy);
    }
  });
});
