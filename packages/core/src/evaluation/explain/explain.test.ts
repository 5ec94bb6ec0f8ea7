import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Condition,
  type ConditionTrace,
  clampLimit,
  defineConfig,
  defineLimit,
  evaluate,
  explain,
  type JsonValue,
  type Segments,
} from '../../index.ts';
import * as arbitrary from '../../test-support/arbitrary-targeting.ts';
import { createLenientClient } from '../../test-support/lenient-client.ts';
import { runs } from '../../test-support/runs.ts';

const nl: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
const freeShipping: JsonValue = {
  $cohort: {
    rules: [
      { id: 'staff', when: { segment: 'staff' }, value: 'staff' },
      { id: 'nl-half', when: nl, rollout: { variants: [{ value: 'half', weight: 50 }] } },
      { id: 'rest', when: { all: [] }, value: 'rest' },
    ],
    defaultValue: 'none',
  },
};
const segments: Segments = { staff: { attribute: 'email', op: 'endsWith', values: ['@example.com'] } };

describe('explain', () => {
  it('traces each rule, each condition and the rollout', () => {
    const context = { country: 'NL', email: 'someone@elsewhere.example', userId: 'u-1' };
    const explanation = explain('freeShipping', freeShipping, context, segments);
    const bucket = explanation.rules[1]?.rollout?.bucket ?? -1;
    expect(explanation).toEqual({
      key: 'freeShipping',
      evaluation: evaluate('freeShipping', freeShipping, context, segments),
      isTargeted: true,
      rules: [
        {
          index: 0,
          id: 'staff',
          outcome: 'not-matched',
          when: {
            form: 'segment',
            segment: 'staff',
            matched: false,
            members: [
              {
                form: 'attribute',
                attribute: 'email',
                op: 'endsWith',
                values: ['@example.com'],
                kind: 'string',
                matched: false,
                reason: 'it matches none of the values',
              },
            ],
          },
        },
        {
          index: 1,
          id: 'nl-half',
          outcome: 'matched',
          when: {
            form: 'attribute',
            attribute: 'country',
            op: 'in',
            values: ['NL'],
            kind: 'string',
            matched: true,
          },
          rollout: {
            outcome: bucket < 5_000 ? 'variant' : 'past-variants',
            bucketBy: 'userId',
            kind: 'string',
            salt: 'freeShipping',
            bucket,
            ends: [5_000],
            ...(bucket < 5_000 && { variant: 0 }),
          },
        },
        { index: 2, id: 'rest', outcome: 'not-reached' },
      ],
    });
    expect(bucket).toBeGreaterThanOrEqual(0);
  });

  it('contains no value of an attribute', () => {
    const secret = 'zq9-private';
    const context = { country: secret, email: secret, userId: secret, nested: { a: secret } };
    const text = JSON.stringify(explain('freeShipping', freeShipping, context, segments));
    expect(text).not.toContain(secret);
  });

  it.each<[string, unknown, string]>([
    ['an unknown operator', { attribute: 'a', op: 'equals', values: [1] }, '"op" is not a known operator'],
    ['values that are a number', { attribute: 'a', op: 'in', values: 1 }, '"values" is not a list'],
    ['a missing condition', undefined, 'it is not an object'],
    ['two forms', { all: [], any: [] }, 'it has no form, or more than one'],
    ['an unknown segment', { segment: 'nobody' }, 'the segment does not exist'],
    ['a missing attribute', { attribute: 'b', op: 'exists' }, 'the attribute is missing'],
    ['a null', { attribute: 'n', op: 'exists' }, 'the attribute is null'],
    ['a getter that throws', { attribute: 'bad', op: 'exists' }, 'reading the attribute throws an error'],
    ['a list', { attribute: 'list', op: 'in', values: [3] }, 'no element matches'],
    ['a segment of itself', { segment: 'loop' }, ''],
  ])('says why a condition did not match: %s', (_, when, reason) => {
    const stored = { $cohort: { rules: [{ id: 'r', when, value: 1 }], defaultValue: 0 } } as JsonValue;
    const context = {
      a: 1,
      n: null,
      list: [1, 2],
      get bad(): string {
        throw new Error('no');
      },
    };
    const explanation = explain('flag', stored, context, { loop: { any: [{ segment: 'loop' }] } });
    expect(explanation.rules[0]?.when?.matched).toBe(false);
    expect(explanation.rules[0]?.when?.reason ?? '').toBe(reason);
    if (reason === '') expect(JSON.stringify(explanation)).toContain('it refers to itself');
  });

  it('says which limit a condition exceeds, without expanding it', () => {
    let deep: unknown = nl;
    for (let level = 0; level < 100; level++) deep = { not: deep };
    const doubled = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `s${index}`,
        { all: [{ segment: `s${index + 1}` }, { segment: `s${index + 1}` }] },
      ]),
    ) as unknown as Segments;
    const rules = [
      { id: 'deep', when: deep, value: 1 },
      { id: 'large', when: { segment: 's0' }, value: 1 },
      { when: nl },
    ];
    const stored = { $cohort: { rules, defaultValue: 0 } } as unknown as JsonValue;
    const explanation = explain('flag', stored, {}, { ...doubled, s40: nl });
    expect(explanation.rules.map(({ outcome, when }) => [outcome, when?.reason])).toEqual([
      ['not-matched', 'it nests more than 32 levels'],
      ['not-matched', 'with its segments, it has more conditions than are evaluated'],
      ['malformed', undefined],
    ]);
  });

  it('agrees with evaluate in its result and its trace, for any stored value', () => {
    fc.assert(
      fc.property(arbitrary.stored, arbitrary.context, arbitrary.segments, (stored, context, all) => {
        const explanation = explain('flag', stored, context, all);
        const { evaluation, rules } = explanation;
        expect(evaluation).toStrictEqual(evaluate('flag', stored, context, all));
        const matched = rules.find(({ outcome }) => outcome === 'matched');
        expect(matched?.id).toBe(evaluation.matchedRuleId);
        const rollout = matched === undefined ? explanation.rollout : matched.rollout;
        expect(rollout?.outcome === 'variant').toBe(evaluation.source === 'rollout');
        const { bucket } = rollout ?? {};
        expect(bucket === undefined ? undefined : Math.floor(bucket / 100)).toBe(evaluation.rolloutBucket);
        for (const { when } of rules) if (when !== undefined) expectConsistent(when);
      }),
      { numRuns: runs(500, 5_000) },
    );
  });

  it('never throws, for any value and context', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (cohort, context) => {
        const stored = { $cohort: cohort } as JsonValue;
        expect(explain('flag', stored, context as Record<string, unknown>).key).toBe('flag');
      }),
    );
  });
});

describe('client.explain', () => {
  const config = defineConfig({
    flags: { theme: z.enum(['light', 'dark']).default('light') },
    limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
    secrets: { token: z.string().default('hunter2') },
  });

  it('has a result that the schema allows, and knows the segments', () => {
    const rules = [{ id: 'nl', when: { segment: 'dutch' }, value: 'pink' }];
    const client = createLenientClient({
      config,
      segments: { dutch: nl },
      // The types refuse it, but it can still be stored.
      flags: { theme: { $cohort: { rules, defaultValue: 'dark' } } as never },
      limits: { cartItems: { $cohort: { defaultValue: 500 } } },
    });
    const explanation = client.explain('theme', { country: 'NL' });
    expect(explanation.evaluation).toEqual(client.flagDetails('theme', { country: 'NL' }));
    expect(explanation.evaluation).toMatchObject({ value: 'dark', errorCode: 'ERR_VALUE_INVALID' });
    expect(explanation.rules).toMatchObject([{ id: 'nl', outcome: 'matched' }]);
    expect(client.explain('cartItems').evaluation.value).toBe(
      clampLimit(500, defineLimit({ default: 20, max: 100 })),
    );
  });

  it('explains a key without a stored value, but no key of another tier', () => {
    const client = createLenientClient({ config });
    expect(client.explain('theme')).toEqual({
      key: 'theme',
      evaluation: { value: 'light', source: 'default' },
      isTargeted: false,
      rules: [],
    });
    // @ts-expect-error a secret is neither a flag nor a limit
    const secret = client.explain('token');
    expect(secret.evaluation).toEqual({ value: undefined, source: 'default', errorCode: 'ERR_KEY_UNKNOWN' });
    expect(JSON.stringify(secret)).not.toContain('hunter2');
  });
});

/** The result of a condition follows from its members. */
function expectConsistent(trace: ConditionTrace): void {
  if (!('members' in trace)) return;
  const { form, members, matched } = trace;
  for (const member of members) expectConsistent(member);
  const each = members.map((member) => member.matched);
  if (form === 'all') expect(matched).toBe(!each.includes(false));
  else expect(matched).toBe(form === 'not' ? !each[0] : each.includes(true));
}
