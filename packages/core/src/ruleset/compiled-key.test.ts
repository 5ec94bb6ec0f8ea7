import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Condition, JsonValue } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';
import { layerOf } from './value-layers.ts';

const config = defineConfig({
  public: { title: z.string(), subtitle: z.string().default('none') },
  secrets: { paymentKey: z.string() },
  flags: { theme: z.enum(['light', 'dark']), layout: z.enum(['wide', 'narrow']).default('wide') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
}) as AnyConfig;
const dutch: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
const NL = { country: 'NL' };

/** A flag that is `value` in the Netherlands and `defaultValue` elsewhere. */
const targeted = (value: JsonValue, defaultValue?: JsonValue, when: object = dutch): JsonValue =>
  ({
    $cohort: {
      rules: [{ id: 'nl', when, value }],
      ...(defaultValue !== undefined && { defaultValue }),
    },
  }) as unknown as JsonValue;

let revision = 1;
function storeWith(values: Partial<ReturnType<typeof rulesetOf>>, store = new RulesetStore(config)) {
  revision += 1;
  store.replace(rulesetOf({ revision: String(revision), ...values }));
  return store;
}

/** What a store says about a key. */
function about(store: RulesetStore, key: string) {
  const compiled = store.get(key);
  const invalid = store.invalidKeys().find((entry) => entry.key === key);
  return {
    hasValue: compiled?.hasValue,
    serves: compiled?.serves,
    origin: store.originOf(key),
    code: invalid?.code,
    tier: compiled?.tier,
  };
}

describe('a plain value', () => {
  it('is the same for every context, and frozen', () => {
    const store = storeWith({ public: { title: 'Shop' }, limits: { cartItems: 500 } });
    expect(store.get('title')?.evaluate(NL)).toEqual({ value: 'Shop', source: 'raw' });
    expect(store.get('title')?.evaluate(NL)).toBe(store.get('title')?.evaluate({}));
    expect(Object.isFrozen(store.get('title')?.evaluate({}))).toBe(true);
    expect(store.get('cartItems')?.value({})).toBe(100);
    expect(about(store, 'title')).toEqual({
      hasValue: true,
      serves: 'stored',
      origin: 'server',
      code: undefined,
      tier: 'public',
    });
  });

  it('that looks targeted is a value if its tier cannot be targeted', () => {
    const store = storeWith({ secret: { paymentKey: { $cohort: { defaultValue: 'sk_1' } } } });
    expect(about(store, 'paymentKey')).toMatchObject({ hasValue: false, code: 'ERR_VALUE_INVALID' });
    expect(store.get('paymentKey')?.value({})).toBeUndefined();
  });
});

describe('a missing value', () => {
  it('is the default, or an error with the name and the remedy', () => {
    const store = storeWith({});
    expect(store.get('subtitle')?.evaluate({})).toEqual({ value: 'none', source: 'default' });
    expect(about(store, 'subtitle')).toMatchObject({ hasValue: true, serves: 'fallback', origin: 'default' });
    expect(store.get('cartItems')?.evaluate({})).toEqual({ value: 20, source: 'default' });
    expect(store.get('title')?.evaluate({})).toEqual({
      value: undefined,
      source: 'default',
      errorCode: 'ERR_VALUE_MISSING',
    });
    expect(about(store, 'title')).toMatchObject({ hasValue: false, serves: 'fallback', origin: 'none' });
    expect(store.invalidKeys().map(({ message }) => message)).toContain(
      'public.title has no value and no default: set the public value in this environment.',
    );
  });
});

describe('a rejected value', () => {
  it('is replaced by the last valid one, else by the bundled one, else by the default', () => {
    const fresh = storeWith({ flags: { theme: 'pink', layout: 'odd' } });
    expect(about(fresh, 'theme')).toMatchObject({ hasValue: false, serves: 'fallback', origin: 'none' });
    expect(fresh.get('layout')?.evaluate({})).toEqual({
      value: 'wide',
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    });
    expect(about(fresh, 'layout')).toMatchObject({ hasValue: true, serves: 'fallback', origin: 'default' });

    const bundled = new RulesetStore(config);
    bundled.setFile(layerOf([['feature_flag', 'theme', 'dark']]));
    storeWith({ flags: { theme: 'pink' } }, bundled);
    expect(bundled.get('theme')?.value({})).toBe('dark');
    expect(about(bundled, 'theme')).toMatchObject({ origin: 'file', hasValue: true });

    const store = storeWith({ flags: { theme: 'light' } });
    storeWith({ flags: { theme: 'pink' } }, store);
    expect(store.get('theme')?.evaluate({})).toEqual({
      value: 'light',
      source: 'raw',
      errorCode: 'ERR_VALUE_INVALID',
    });
    expect(about(store, 'theme')).toMatchObject({ serves: 'previous', origin: 'server', hasValue: true });
    // The last valid one stays through further rejected ones, and ends with the next valid one.
    storeWith({ flags: { theme: 7 } }, store);
    expect(store.get('theme')?.value({})).toBe('light');
    storeWith({ flags: { theme: 'dark' } }, store);
    expect(about(store, 'theme')).toMatchObject({ serves: 'stored', code: undefined });
  });

  it('is named with its path and reason, without a secret', () => {
    const store = storeWith({
      public: { title: 404 },
      secret: { paymentKey: 404 },
      flags: { theme: 'pink' },
    });
    const messages = Object.fromEntries(store.invalidKeys().map(({ key, message }) => [key, message]));
    expect(messages.title).toMatch(/^public\.title is invalid: .+\.$/);
    expect(messages.paymentKey).toBe('secrets.paymentKey is invalid: does not match its schema.');
  });

  it('of a bundled file that is then left out is not served as the last valid one', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([['feature_flag', 'layout', 'odd']]));
    expect(store.get('layout')?.value({})).toBe('wide');
    storeWith({ flags: { layout: 'narrow' } }, store);
    // The server deletes its value: the bundled one is invalid, and the deleted one must not live on.
    storeWith({}, store);
    expect(store.get('layout')?.value({})).toBe('wide');
    expect(about(store, 'layout')).toMatchObject({ serves: 'fallback', code: 'ERR_VALUE_INVALID' });
  });
});

describe('a targeted value', () => {
  it('is evaluated for each context', () => {
    const store = storeWith({ flags: { theme: targeted('dark', 'light') } });
    const compiled = store.get('theme');
    expect([compiled?.value(NL), compiled?.value({})]).toEqual(['dark', 'light']);
    expect(compiled?.evaluate(NL)).toEqual({ value: 'dark', source: 'rule', matchedRuleId: 'nl' });
    expect(compiled?.fixed).toBeUndefined();
    expect(about(store, 'theme')).toMatchObject({ serves: 'stored', hasValue: true, code: undefined });
  });

  it('without a default has that of the schema', () => {
    const store = storeWith({ flags: { layout: targeted('narrow') } });
    expect([store.get('layout')?.value(NL), store.get('layout')?.value({})]).toEqual(['narrow', 'wide']);
    expect(about(store, 'layout').code).toBeUndefined();
  });

  it('of which the schema rejects a part serves the rest', () => {
    const stored = { layout: targeted('narrow', 'odd'), theme: targeted('pink', 'light') };
    const store = storeWith({ flags: stored });
    expect(store.get('layout')?.value(NL)).toBe('narrow');
    expect(store.get('layout')?.evaluate({})).toEqual({
      value: 'wide',
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    });
    expect(about(store, 'layout')).toMatchObject({ hasValue: true, code: 'ERR_VALUE_INVALID' });
    // A required key, so that some contexts would get nothing.
    expect(about(store, 'theme')).toMatchObject({ hasValue: false, code: 'ERR_VALUE_INVALID' });
    expect(store.get('theme')?.value({})).toBe('light');
    // Its own default is in place of a rejected rule's value.
    expect(store.get('theme')?.value(NL)).toBe('light');
    const messages = store.invalidKeys().map(({ message }) => message);
    expect(messages.filter((message) => message.startsWith('flags.'))).toEqual([
      expect.stringMatching(/^flags\.theme is invalid: rules\[0\]\.value of rule "nl": /),
      expect.stringMatching(/^flags\.layout is invalid: defaultValue: /),
    ]);
  });

  it('has a bundled value in place of a rejected part, unless that is targeted', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([['feature_flag', 'theme', 'dark']]));
    storeWith({ flags: { theme: targeted('light', 'pink') } }, store);
    expect([store.get('theme')?.value(NL), store.get('theme')?.value({})]).toEqual(['light', 'dark']);
    expect(about(store, 'theme')).toMatchObject({ hasValue: true, origin: 'server' });
  });

  it('has a bundled value in place of a missing default', () => {
    const store = new RulesetStore(config);
    store.setFile(layerOf([['feature_flag', 'layout', 'narrow']]));
    storeWith({ flags: { layout: targeted('wide') } }, store);
    expect([store.get('layout')?.value(NL), store.get('layout')?.value({})]).toEqual(['wide', 'narrow']);
  });

  it('names every reason why a part is rejected', () => {
    const size = z.object({ width: z.number(), height: z.number() }).optional();
    const store = new RulesetStore(defineConfig({ flags: { size } }) as AnyConfig);
    store.replace(
      rulesetOf({ flags: { size: targeted({ width: 'a', height: 'b' }, { width: 1, height: 1 }) } }),
    );
    const [invalid] = store.invalidKeys();
    expect(invalid?.message).toMatch(/of rule "nl": at "width": [^;]+; at "height": [^;]+\.$/);
  });

  it('lists at most ten rejected parts, and counts the others', () => {
    const message = (count: number): string => {
      const rules = Array.from({ length: count }, (_, index) => ({
        id: `r${index}`,
        when: dutch,
        value: index,
      }));
      const stored = { $cohort: { rules, defaultValue: 'light' } } as unknown as JsonValue;
      return (
        storeWith({ flags: { theme: stored } })
          .invalidKeys()
          .find(({ key }) => key === 'theme')?.message ?? ''
      );
    };
    expect(message(10)).toContain('rule "r9"');
    expect(message(10)).not.toContain('more');
    expect(message(11)).not.toContain('rule "r10"');
    expect(message(11)).toMatch(/; and 1 more\.$/);
    expect(message(13)).toMatch(/; and 3 more\.$/);
  });

  it.each([[null], ['pink'], [[]], [7]])(
    'whose $cohort is %j serves neither that nor the value before',
    ($cohort) => {
      const store = storeWith({ flags: { layout: 'narrow' } });
      storeWith({ flags: { layout: { $cohort } as JsonValue } }, store);
      expect(store.get('layout')?.value({})).toBe('wide');
      expect(about(store, 'layout')).toMatchObject({ serves: 'fallback', code: 'ERR_VALUE_INVALID' });
      expect(store.invalidKeys().find(({ key }) => key === 'layout')?.message).toContain('must be an object');
    },
  );

  it('is validated when it arrives, each repeated scalar once, and compiled at its first read', () => {
    const validate = vi.fn((value: unknown) => ({ value }));
    const validator = { '~standard': { version: 1 as const, vendor: 'test', validate } };
    const store = new RulesetStore(defineConfig({ flags: { theme: validator as never } }) as AnyConfig);
    const rules = Array.from({ length: 5 }, (_, index) => ({ id: `r${index}`, when: dutch, value: 'same' }));
    store.replace(
      rulesetOf({ flags: { theme: { $cohort: { rules, defaultValue: 'other' } } as unknown as JsonValue } }),
    );
    const arrived = validate.mock.calls.map(([value]) => value);
    expect(arrived.filter((value) => value === 'same')).toHaveLength(1);
    expect(store.get('theme')?.value(NL)).toBe('same');
    const read = validate.mock.calls.length;
    expect(read).toBeGreaterThan(arrived.length);
    store.get('theme')?.value({});
    store.get('theme')?.evaluate(NL);
    expect(validate).toHaveBeenCalledTimes(read);
  });

  it('knows which segments it uses itself', () => {
    const store = storeWith({
      flags: { theme: targeted('dark', 'light', { segment: 'vips' }), layout: 'wide' },
      segments: { vips: dutch },
    });
    expect(store.get('theme')?.usesAny(new Set(['others', 'vips']))).toBe(true);
    expect(store.get('theme')?.usesAny(new Set(['others']))).toBe(false);
    expect(store.get('layout')?.usesAny(new Set(['vips']))).toBe(false);
    expect(about(store, 'theme')).toMatchObject({ hasValue: true, code: undefined, serves: 'stored' });
    expect(store.get('theme')?.value(NL)).toBe('dark');
  });
});
