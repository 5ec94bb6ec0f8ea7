import type { Condition, JsonSchema, JsonValue, RulesetChange, Tier } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { at, EMPTY_SCHEMA, environmentRow, schemaRow, segmentRow } from '../test-support/storage-fixtures.ts';
import { changedKeys, EnvironmentView } from './environment-view.ts';
import { readSchemaKeys, type SchemaKeys } from './validation/schema-keys.ts';

const organization = { id: 'organization', name: 'Shop', createdAt: at() };
const shop = {
  organization,
  environment: { ...environmentRow(organization, { name: 'development' }), revision: 7 },
  schema: schemaRow(organization, {}),
};

type Values = Record<string, [Tier, JsonValue]>;

interface Parts {
  values?: Values;
  segments?: Record<string, Condition>;
  keys?: SchemaKeys;
}

const NO_KEYS: SchemaKeys = new Map();

function viewOf({ values = {}, segments = {}, keys = NO_KEYS }: Parts): EnvironmentView {
  return new EnvironmentView(
    shop.environment,
    {
      values: new Map(Object.entries(values).map(([key, [tier, value]]) => [key, { tier, key, value }])),
      segments: new Map(
        Object.entries(segments).map(([name, condition]) => [name, segmentRow(shop, { name, condition })]),
      ),
    },
    { epoch: 'epoch-1', keys },
  );
}

/** The view after a change at the next revision. */
const changed = (view: EnvironmentView, changes: RulesetChange[], revision = 8) =>
  view.after({ environmentId: shop.environment.id, revision, changes, at: at() });

const flagsOf = (flags: Record<string, JsonSchema>, limits: Record<string, JsonSchema> = {}): SchemaKeys =>
  readSchemaKeys({
    ...EMPTY_SCHEMA,
    properties: {
      ...EMPTY_SCHEMA.properties,
      featureFlagSchema: { type: 'object', properties: flags },
      limitsSchema: { type: 'object', properties: limits },
    },
  });

const using = (segment: string): JsonValue => ({
  $cohort: { rules: [{ id: 'r', when: { segment }, value: true }], defaultValue: false },
});

const everyTier: Values = {
  title: ['public', 'Shop'],
  paymentKey: ['secret', 'sk_1'],
  theme: ['feature_flag', 'dark'],
  cartItems: ['limit', 5],
};

describe('a view', () => {
  it('is a ruleset with every tier, encoded once', () => {
    const view = viewOf({ values: everyTier, segments: { staff: { all: [] } } });
    expect(JSON.parse(view.rulesetJson.toString())).toEqual({
      revision: '7',
      environment: 'development',
      public: { title: 'Shop' },
      secret: { paymentKey: 'sk_1' },
      flags: { theme: 'dark' },
      limits: { cartItems: 5 },
      segments: { staff: { all: [] } },
      epoch: 'epoch-1',
    });
    expect(view.rulesetJson).toBe(view.rulesetJson);
  });

  it('evaluates what is stored, with its segments', () => {
    const view = viewOf({
      values: { theme: ['feature_flag', using('staff')] },
      segments: { staff: { all: [] } },
    });
    expect(view.evaluate('theme', {})?.value).toBe(true);
    expect(view.evaluate('unknown', {})).toBeUndefined();
  });
});

describe('the view after a change', () => {
  it('has the new values, and the one before keeps its own', () => {
    const before = viewOf({ values: everyTier });
    expect(['theme', 'cartItems'].map((key) => before.evaluate(key, {})?.value)).toEqual(['dark', 5]);
    const after = changed(before, [
      { tier: 'feature_flag', key: 'theme', value: 'light' },
      { tier: 'limit', key: 'cartItems', deleted: true },
      { tier: 'feature_flag', key: 'added', value: true },
    ]);
    expect([after?.revision, after?.epoch, after?.keys]).toEqual(['8', 'epoch-1', before.keys]);
    const evaluated = ['theme', 'cartItems', 'added'].map((key) => after?.evaluate(key, {})?.value);
    expect(evaluated).toEqual(['light', undefined, true]);
    expect([...(after?.values.keys() ?? [])].sort()).toEqual(['added', 'paymentKey', 'theme', 'title']);
    expect(['theme', 'cartItems'].map((key) => before.evaluate(key, {})?.value)).toEqual(['dark', 5]);
    expect([before.revision, before.values.size]).toEqual(['7', 4]);
  });

  it('is unknown if the change does not follow, or changes segments', () => {
    const view = viewOf({ values: everyTier });
    const change: RulesetChange = { tier: 'feature_flag', key: 'theme', value: 'light' };
    for (const revision of [6, 7, 9]) expect(changed(view, [change], revision)).toBeUndefined();
    expect(changed(view, [change, { segments: {} }])).toBeUndefined();
    expect(changed(view, [])?.evaluate('theme', {})?.value).toBe('dark');
  });
});

describe('changedKeys', () => {
  it('names values that were added, changed or deleted, or have another tier', () => {
    const before = viewOf({ values: { ...everyTier, same: ['feature_flag', { deep: [1] }] } });
    const after = viewOf({
      values: {
        title: ['feature_flag', 'Shop'],
        theme: ['feature_flag', 'light'],
        same: ['feature_flag', { deep: [1] }],
        added: ['public', 1],
      },
    });
    expect(changedKeys(before, after)).toEqual(new Set(['title', 'theme', 'cartItems', 'added']));
    expect(changedKeys(before, before)).toEqual(new Set());
  });

  it('never names a secret', () => {
    const before = viewOf({ values: { old: ['secret', 'sk_1'], changed: ['secret', 'sk_2'] } });
    const after = viewOf({ values: { changed: ['secret', 'sk_3'], added: ['secret', 'sk_4'] } });
    expect(changedKeys(before, after)).toEqual(new Set());
  });

  it('names keys whose tier, default or bounds differ in the schema, or that only one has', () => {
    const same: JsonSchema = { type: 'string', default: 'a' };
    const bounds = (maximum: number): JsonSchema => ({ type: 'number', default: 1, minimum: 0, maximum });
    const before = flagsOf(
      { same, gone: same, moved: { type: 'number', default: 1 }, other: same, removed: same },
      { limit: bounds(5), kept: bounds(5) },
    );
    const after = flagsOf(
      { same, added: same, other: { type: 'string', default: 'b' }, removed: { type: 'string' } },
      { limit: bounds(6), kept: bounds(5), moved: { type: 'number', default: 1 } },
    );
    const keys = changedKeys(viewOf({ keys: before }), viewOf({ keys: after }));
    expect(keys).toEqual(new Set(['gone', 'moved', 'other', 'removed', 'limit', 'added']));
  });

  it('names a key that has only moved to another tier', () => {
    const flag: JsonSchema = { type: 'string', default: 'a' };
    const publicConfigSchema = { type: 'object' as const, properties: { theme: flag } };
    const moved = readSchemaKeys({
      ...EMPTY_SCHEMA,
      properties: { ...EMPTY_SCHEMA.properties, publicConfigSchema },
    });
    const keys = changedKeys(viewOf({ keys: flagsOf({ theme: flag }) }), viewOf({ keys: moved }));
    expect(keys).toEqual(new Set(['theme']));
  });

  it('names keys that use a segment that changed, and no others', () => {
    const values: Values = {
      one: ['feature_flag', using('one')],
      two: ['feature_flag', using('two')],
      plain: ['feature_flag', true],
    };
    const before = viewOf({ values, segments: { one: { all: [] }, two: { all: [] } } });
    const after = viewOf({ values, segments: { one: { all: [] }, two: { any: [] } } });
    expect(changedKeys(before, after)).toEqual(new Set(['two']));
  });
});
