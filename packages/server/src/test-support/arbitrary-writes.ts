import type { Condition, EvaluationContext, JsonValue, Tier, WireSchema } from '@smooai/config';
import fc from 'fast-check';
import { shopDocument } from './shop-server.ts';

/** The first environment, or the one that falls back to it. */
export type Place = 'base' | 'child';

/** A value to write. */
export interface ValueOfKey {
  key: string;
  tier: Tier;
  value: JsonValue;
}

/** A write of any kind. The server may refuse it. */
export type AnyWrite =
  | { type: 'set'; at: Place; input: ValueOfKey }
  | { type: 'delete'; at: Place; key: string }
  | { type: 'segment'; at: Place; name: string; condition: Condition }
  | { type: 'fallback'; isOn: boolean }
  | { type: 'push'; version: 0 | 1 }
  | { type: 'rename'; name: string };

const contexts: readonly EvaluationContext[] = [
  {},
  { userId: 'u1', country: 'DE' },
  { userId: 'u2', country: 'FR', plan: 'pro' },
  { userId: 'u3', plan: 'pro', country: 'DE' },
];
const conditions: readonly Condition[] = [
  { attribute: 'country', op: 'in', values: ['DE'] },
  { attribute: 'plan', op: 'in', values: ['pro'] },
  { segment: 'inner' },
  { segment: 'outer' },
];

const themeFor = (segment: string): JsonValue => targeted({ segment }, { value: 'dark', otherwise: 'light' });

/** Writes before the first random one: without segments, most of those would be refused. */
export const FIRST_WRITES: readonly AnyWrite[] = [
  { type: 'push', version: 0 },
  {
    type: 'segment',
    at: 'base',
    name: 'inner',
    condition: { attribute: 'country', op: 'in', values: ['DE'] },
  },
  { type: 'segment', at: 'base', name: 'outer', condition: { segment: 'inner' } },
  { type: 'set', at: 'base', input: { key: 'theme', tier: 'feature_flag', value: themeFor('outer') } },
  { type: 'set', at: 'base', input: { key: 'cartItems', tier: 'limit', value: 50 } },
];

export const anyContext: fc.Arbitrary<EvaluationContext> = fc.constantFrom(...contexts);

export const anyPlace: fc.Arbitrary<Place> = fc.constantFrom<Place>('base', 'child');

export const weighted = <Value>(
  weight: number,
  arbitrary: fc.Arbitrary<Value>,
): fc.WeightedArbitrary<Value> => ({
  weight,
  arbitrary,
});

export const anyWrite: fc.Arbitrary<AnyWrite> = fc.oneof(
  weighted(8, fc.record({ type: fc.constant('set' as const), at: anyPlace, input: anyValueOfKey() })),
  weighted(
    3,
    fc.record({
      type: fc.constant('delete' as const),
      at: anyPlace,
      key: anyValueOfKey().map(({ key }) => key),
    }),
  ),
  weighted(
    4,
    fc.record({
      type: fc.constant('segment' as const),
      at: anyPlace,
      name: fc.constantFrom('inner', 'outer'),
      condition: fc.constantFrom(...conditions),
    }),
  ),
  weighted(2, fc.record({ type: fc.constant('fallback' as const), isOn: fc.boolean() })),
  weighted(
    2,
    fc.record({ type: fc.constant('push' as const), version: fc.constantFrom(0 as const, 1 as const) }),
  ),
  weighted(1, fc.record({ type: fc.constant('rename' as const), name: fc.constantFrom('child', 'kid') })),
);

function anyValueOfKey(): fc.Arbitrary<ValueOfKey> {
  const input = (key: string, tiers: Tier[], value: fc.Arbitrary<JsonValue>): fc.Arbitrary<ValueOfKey> =>
    fc.record({ key: fc.constant(key), tier: fc.constantFrom(...tiers), value });
  return fc.oneof(
    weighted(3, input('theme', ['feature_flag'], plainOrTargeted('light', 'dark'))),
    weighted(1, input('newCheckout', ['feature_flag'], plainOrTargeted(true, false))),
    weighted(1, input('banner', ['feature_flag', 'public'], fc.constantFrom('a', 'b'))),
    weighted(1, input('supportEmail', ['public'], fc.constantFrom('x', 'y'))),
    weighted(1, input('cartItems', ['limit'], plainOrTargeted(5, 50))),
    weighted(1, input('paymentKey', ['secret'], fc.constantFrom('sk_hidden1', 'sk_hidden2'))),
  );
}

function plainOrTargeted(value: JsonValue, otherwise: JsonValue): fc.Arbitrary<JsonValue> {
  const cohorts = fc.constantFrom(...conditions).map((when) => targeted(when, { value, otherwise }));
  return fc.oneof(fc.constantFrom(value, otherwise), cohorts);
}

function targeted(
  when: Condition,
  { value, otherwise }: Record<'value' | 'otherwise', JsonValue>,
): JsonValue {
  const targeting = { $cohort: { rules: [{ id: 'r', when, value }], defaultValue: otherwise } };
  return targeting as unknown as JsonValue;
}

/**
 * The shop's schema with the public number `marker`, and in version 1 with other defaults, bounds, keys and tiers.
 */
export function documentOf(version: 0 | 1): WireSchema {
  const document = shopDocument();
  const { publicConfigSchema, featureFlagSchema, limitsSchema } = document.properties;
  publicConfigSchema.properties.marker = { type: 'number' };
  if (version === 0) return document;
  delete publicConfigSchema.properties.supportEmail;
  delete featureFlagSchema.properties.banner;
  publicConfigSchema.properties.banner = { type: 'string', default: 'none' };
  featureFlagSchema.properties.theme = { enum: ['light', 'dark'], default: 'dark' };
  limitsSchema.properties.cartItems = { type: 'number', default: 20, minimum: 1, maximum: 30, multipleOf: 1 };
  return document;
}
