import { describe, expect, it } from 'vitest';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { JsonValue, RulesetChange } from '../wire.ts';
import { PackedValue } from './packed-value.ts';
import { StoredValues } from './stored-values.ts';
import { ValueLayouts } from './value-layout.ts';

const targeted = (value: JsonValue): JsonValue => ({ $cohort: { defaultValue: value } });
const groups = {
  public: { title: 'Shop', links: { help: '/help' } },
  secret: { paymentKey: 'sk_1' },
  flags: { theme: targeted('dark'), newCheckout: true },
  limits: { cartItems: targeted(20) },
};
const ruleset = rulesetOf(groups);
const patchOf = (...changes: RulesetChange[]) => ({ revision: '2', changes });

describe('stored values', () => {
  it('are found by tier and key, and the same as JSON', () => {
    const values = new StoredValues(ruleset, new ValueLayouts());
    expect(values.get('public', 'title')).toBe('Shop');
    expect(values.get('secret', 'paymentKey')).toBe('sk_1');
    expect(values.get('feature_flag', 'theme')).toBeInstanceOf(PackedValue);
    expect(values.get('limit', 'cartItems')).toBeInstanceOf(PackedValue);
    expect(values.get('secret', 'title')).toBeUndefined();
    expect(values.get('public', 'toString')).toBeUndefined();
    expect(values.toJson()).toEqual(groups);
  });

  it('follow a patch, which names the keys that it changes', () => {
    const values = new StoredValues(ruleset, new ValueLayouts());
    const changed = values.write(
      patchOf(
        { tier: 'public', key: 'title', value: 'New' },
        { segments: { vips: { attribute: 'plan', op: 'exists' } } },
        { tier: 'feature_flag', key: 'newCheckout', deleted: true },
        { tier: 'limit', key: 'rate', value: 1 },
        { tier: 'secret', key: 'unknown', deleted: true },
      ),
    );
    expect([...changed]).toEqual(['title', 'newCheckout', 'rate', 'unknown']);
    expect(values.toJson()).toEqual({
      public: { ...groups.public, title: 'New' },
      secret: groups.secret,
      flags: { theme: groups.flags.theme },
      limits: { ...groups.limits, rate: 1 },
    });
  });

  it('share the memory of equal values before them', () => {
    const layouts = new ValueLayouts();
    const before = new StoredValues(ruleset, layouts);
    const again = structuredClone(groups);
    const other = rulesetOf({ ...again, flags: { ...again.flags, theme: targeted('light') } });
    const after = new StoredValues(other, layouts, before);
    expect(after.get('public', 'links')).toBe(before.get('public', 'links'));
    expect(after.get('limit', 'cartItems')).toBe(before.get('limit', 'cartItems'));
    expect(after.get('feature_flag', 'theme')).not.toBe(before.get('feature_flag', 'theme'));
    const links = after.get('public', 'links');
    after.write(patchOf({ tier: 'public', key: 'links', value: { help: '/help' } }));
    expect(after.get('public', 'links')).toBe(links);
    after.write(patchOf({ tier: 'public', key: 'links', value: { help: '/new' } }));
    expect(after.toJson().public.links).toEqual({ help: '/new' });
  });

  it('are not equal to values with the same scalars in another structure', () => {
    const layouts = new ValueLayouts();
    const cohort = (parts: JsonValue): JsonValue => ({ $cohort: parts });
    const before = new StoredValues(
      rulesetOf({ flags: { theme: cohort({ defaultValue: 'dark' }) } }),
      layouts,
    );
    for (const theme of [cohort({ defaultvalue: 'dark' }), cohort({ defaultValue: ['dark'] })]) {
      const after = new StoredValues(rulesetOf({ flags: { theme } }), layouts, before);
      expect(after.toJson().flags).toEqual({ theme });
    }
  });

  it('have names that reach no prototype', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
    const values = new StoredValues(rulesetOf({ public: hostile }), new ValueLayouts());
    values.write(patchOf({ tier: 'secret', key: '__proto__', value: { polluted: true } }));
    const json = values.toJson();
    for (const group of [json.public, json.secret]) {
      expect(Object.getPrototypeOf(group)).toBe(Object.prototype);
      expect(Object.keys(group)).toContain('__proto__');
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});
