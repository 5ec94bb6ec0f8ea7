import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Condition, defineConfig, evaluate, type JsonValue, type Segments } from '../index.ts';
import { createConfigClient } from '../server.ts';
import * as arbitrary from '../test-support/arbitrary-targeting.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { runs } from '../test-support/runs.ts';
import { createTestClient } from '../testing.ts';
import type { RulesetChange } from '../wire.ts';
import { RulesetStore } from './ruleset-store.ts';

const config = defineConfig({
  flags: {
    one: z.unknown(),
    two: z.unknown(),
    theme: z.object({ name: z.string(), size: z.number() }).default({ name: 'light', size: 1 }),
  },
});
const nl: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
const be: Condition = { attribute: 'country', op: 'in', values: ['BE'] };
const large = { name: 'large', size: 3 };
const small = { name: 'small', size: 1 };
const targeted = (when: Condition, value: JsonValue, defaultValue: JsonValue): JsonValue =>
  ({ $cohort: { rules: [{ id: 'r', when, value }], defaultValue } }) as unknown as JsonValue;

/** The same value with the properties of every object in reverse order. */
function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, reversed(inner)] as const)
      .reverse(),
  );
}

async function start(flags: Record<string, JsonValue>, segments: Segments = {}) {
  const source = new ManualSource(rulesetOf({ flags, segments: { ...segments } }));
  const client = await createConfigClient({ config, source }).ready();
  const changed: string[][] = [];
  client.subscribe(({ keys }) => changed.push([...keys].sort()));
  let revision = 1;
  const patch = (...changes: RulesetChange[]): void => {
    revision += 1;
    source.sink?.patch({ revision: String(revision), changes });
  };
  const replace = (next: Record<string, JsonValue>): void => {
    revision += 1;
    source.sink?.replace(rulesetOf({ revision: String(revision), flags: next, segments: { ...segments } }));
  };
  return { client, changed, patch, replace };
}

const flag = (key: string, value: JsonValue): RulesetChange => ({ tier: 'feature_flag', key, value });

describe('a targeted value', () => {
  it('evaluates like evaluate(), at its first read and at each later one', () => {
    fc.assert(
      fc.property(arbitrary.stored, arbitrary.context, arbitrary.segments, (stored, context, segments) => {
        const client = createTestClient({ config, flags: { one: stored, two: stored }, segments });
        for (const key of ['one', 'two'] as const) {
          const expected = evaluate(key, stored, context, segments);
          for (let read = 0; read < 2; read++) {
            if (key === 'one') expect(client.flagDetails(key, context)).toStrictEqual(expected);
            expect(client.flag(key, context)).toStrictEqual(expected.value);
          }
          expect(client.flagDetails(key, context)).toStrictEqual(expected);
        }
        const traced = client.explain('two', context);
        expect(traced.evaluation).toStrictEqual(evaluate('two', stored, context, segments));
      }),
      { numRuns: runs(150, 1_000) },
    );
  });

  it('is unpacked exactly, whatever strings it contains', async () => {
    const odd = fc
      .array(
        fc.constantFrom('"value":', 'value', '"', '\\', ':', '\u0001', '\n', '\u0013', '$cohort', '\ud800'),
        {
          maxLength: 5,
        },
      )
      .map((parts) => parts.join(''));
    // JSON.parse of Node.js 24.21 itself sometimes reads a name of one escaped character as a backslash.
    const name = odd.filter((text) => text.length !== 1 || JSON.stringify(text) === `"${text}"`);
    const value = fc.oneof(odd, fc.dictionary(name, fc.oneof(odd, fc.array(odd, { maxLength: 2 }))));
    const { client, patch } = await start({});
    fc.assert(
      fc.property(value, odd, (stored, id) => {
        const rules = [{ id, when: { all: [] }, value: stored }];
        patch(flag('one', { $cohort: { rules, defaultValue: false } } as unknown as JsonValue));
        expect(client.flagDetails('one')).toEqual({ value: stored, source: 'rule', matchedRuleId: id });
      }),
      { numRuns: runs(300, 1_000) },
    );
    await client.close();
  });

  it('may contain values that are not JSON, in a test client', () => {
    const date = new Date(0);
    const value = { date, zero: -0, missing: undefined };
    const stored = targeted({ all: [] }, value as never, false);
    const client = createTestClient({ config, flags: { one: stored } });
    expect(client.flag('one')).toStrictEqual({ date, zero: -0, missing: undefined });
  });

  it('does not change when the object that it was given as changes', () => {
    const values: JsonValue[] = ['NL'];
    const when: Condition = { attribute: 'country', op: 'in', values };
    const client = createTestClient({ config, flags: { one: targeted(when, true, false) } });
    values.push('BE');
    expect(client.flag('one', { country: 'BE' })).toBe(false);
  });

  it('evaluates to the same object until it changes', async () => {
    const theme = targeted(nl, large, small);
    const { client, changed, patch, replace } = await start({ theme });
    const first = client.flag('theme', { country: 'NL' });
    patch(flag('one', true));
    replace({ theme: reversed(theme), one: true });
    expect(client.flag('theme', { country: 'NL' })).toBe(first);
    expect(client.flagDetails('theme', { country: 'NL' }).value).toBe(first);
    expect(changed).toEqual([['one']]);
    patch(flag('theme', targeted(nl, { ...large, size: 4 }, small)));
    expect(client.flag('theme', { country: 'NL' })).toEqual({ name: 'large', size: 4 });
    await client.close();
  });

  it('is not changed by another order of its properties, read or not', async () => {
    const flags = { one: targeted(nl, large, small), two: targeted(nl, small, large) };
    const { client, changed, patch, replace } = await start(flags);
    client.flag('two');
    replace({ one: reversed(flags.one), two: reversed(flags.two) });
    patch(flag('one', flags.one), flag('two', flags.two));
    expect(changed).toEqual([]);
    await client.close();
  });

  it('is replaced by a patch, read or not', async () => {
    const { client, changed, patch } = await start({ one: targeted(nl, 1, 2), two: targeted(nl, 1, 2) });
    expect(client.flag('two', { country: 'NL' })).toBe(1);
    patch(flag('one', targeted(be, 1, 2)), flag('two', targeted(be, 1, 2)));
    expect(changed).toEqual([['one', 'two']]);
    for (const key of ['one', 'two'] as const) {
      expect(client.flag(key, { country: 'NL' })).toBe(2);
      expect(client.flag(key, { country: 'BE' })).toBe(1);
    }
    await client.close();
  });

  it('follows a segment that changes, read or not', async () => {
    const shared: Condition = { all: [{ segment: 'outer' }] };
    const flags = { one: targeted(shared, true, false), two: targeted(shared, true, false) };
    const { client, changed, patch } = await start(flags, { outer: { segment: 'inner' }, inner: nl });
    expect(client.flag('two', { country: 'NL' })).toBe(true);
    patch({ segments: { outer: { segment: 'inner' }, inner: be } });
    expect(changed).toEqual([['one', 'two']]);
    for (const key of ['one', 'two'] as const) {
      expect(client.flag(key, { country: 'NL' })).toBe(false);
      expect(client.flag(key, { country: 'BE' })).toBe(true);
    }
    await client.close();
  });

  it('that is invalid in part is reported before it is read', async () => {
    const { client } = await start({ theme: targeted(nl, 'wrong', large) });
    expect(client.health().invalidKeys).toMatchObject([
      { key: 'theme', message: expect.stringContaining('rules[0].value of rule "r"') },
    ]);
    const evaluation = { value: large, source: 'default', errorCode: 'ERR_VALUE_INVALID' };
    expect(client.flagDetails('theme', { country: 'NL' })).toEqual(evaluation);
    await client.close();
  });
});

describe('the disk copy', () => {
  it('contains every value of the server as JSON, also of keys that are not read or declared', () => {
    const store = new RulesetStore(config);
    const theme = targeted(nl, large, small);
    const ruleset = rulesetOf({
      flags: { one: targeted(be, 1, 2), theme, undeclared: targeted(nl, '"rules":', null), plain: [1] },
      limits: { undeclaredLimit: targeted(nl, 1, 2) },
      public: { text: { $cohort: 'not targeted in this tier' } },
      segments: { nl },
    });
    store.replace(ruleset);
    expect(store.lastGood()).toStrictEqual(ruleset);
    // The last valid value is written in place of invalid ones.
    for (const [index, size] of ['large', 'small'].entries()) {
      const invalid = flag('theme', targeted(nl, { name: 'x', size }, small));
      store.patch({ revision: String(index + 2), changes: [invalid] });
      expect(store.lastGood()).toStrictEqual({ ...ruleset, revision: String(index + 2) });
    }
    store.patch({ revision: '4', changes: [flag('theme', targeted(be, small, large))] });
    expect(store.lastGood()?.flags.theme).toStrictEqual(targeted(be, small, large));
    store.patch({ revision: '5', changes: [{ tier: 'feature_flag', key: 'theme', deleted: true }] });
    expect(store.lastGood()?.flags).toStrictEqual({
      one: ruleset.flags.one,
      undeclared: ruleset.flags.undeclared,
      plain: [1],
    });
  });
});
