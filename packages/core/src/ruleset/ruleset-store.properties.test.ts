import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { StreamEvents, StreamGapError } from '../sources/stream-events.ts';
import { sinkOf } from '../test-support/store-sink.ts';
import { TIERS } from '../tiers.ts';
import type { JsonValue, Ruleset, RulesetChange, RulesetPatch, Tier } from '../wire.ts';
import { unpack } from './packed-value.ts';
import { type ConfigChange, RulesetStore } from './ruleset-store.ts';
import type { StoredRuleset } from './stored-values.ts';

const config = defineConfig({
  public: { text: z.string().max(3).default('new') },
  secrets: { key: z.string().max(3).default('new') },
  flags: { flag: z.number().default(-1), other: z.number().default(-1) },
  limits: { limit: defineLimit({ default: 5, min: 0, max: 9 }) },
});
const keys = [
  ['public', 'text'],
  ['secret', 'key'],
  ['feature_flag', 'flag'],
  ['feature_flag', 'other'],
  ['limit', 'limit'],
  // One that the schema does not declare.
  ['feature_flag', 'stranger'],
] as const satisfies readonly (readonly [Tier, string])[];

/** What a store is to hold, as simply as it can be said: nested objects copied whole, numbers compared as numbers. */
class ModelStore {
  position: { epoch: string | undefined; revision: bigint } | undefined;
  values: Record<string, JsonValue> = {};
  readonly #left = new Set<string>();

  replace(ruleset: Ruleset): void {
    const epoch = ruleset.epoch ?? this.position?.epoch;
    const revision = BigInt(ruleset.revision);
    if (this.position !== undefined) {
      const isSame = epoch === this.position.epoch;
      if (isSame && revision < this.position.revision) return;
      if (!isSame && epoch !== undefined && this.#left.has(epoch)) return;
      if (!isSame && this.position.epoch !== undefined) this.#left.add(this.position.epoch);
    }
    this.position = { epoch, revision };
    this.values = {};
    for (const { tier, ruleset: group } of TIERS) {
      for (const [key, value] of Object.entries(ruleset[group])) this.values[`${tier}/${key}`] = value;
    }
  }

  /** Answers whether the patch follows on what is held. */
  patch({ revision, previousRevision, changes }: RulesetPatch): boolean {
    if (this.position === undefined || BigInt(revision) <= this.position.revision) return false;
    if (previousRevision !== undefined && BigInt(previousRevision) > this.position.revision) return false;
    this.position = { ...this.position, revision: BigInt(revision) };
    this.values = { ...this.values };
    for (const change of changes) {
      if ('segments' in change) continue;
      if ('deleted' in change) delete this.values[`${change.tier}/${change.key}`];
      else this.values[`${change.tier}/${change.key}`] = change.value;
    }
    return true;
  }
}

// Some are refused by the schema: too long, no number, out of bounds.
const value = fc.oneof(
  fc.constantFrom<JsonValue>('a', 'b', 'abc', 'too long', null),
  fc.integer({ min: -2, max: 12 }),
);
const epoch = fc.constantFrom(undefined, 'one', 'two', 'three');
const revision = fc.oneof(
  fc.nat({ max: 12 }).map(String),
  fc.constantFrom('007', '9007199254740992', '9007199254740993'),
);

const ruleset: fc.Arbitrary<Ruleset> = fc
  .record({ revision, epoch, entries: fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 6 }) })
  .map(({ entries, ...position }) => {
    const whole = {
      revision: position.revision,
      ...(position.epoch !== undefined && { epoch: position.epoch }),
      environment: 'development',
      ...{ public: {}, secret: {}, flags: {}, limits: {}, segments: {} },
    } as Ruleset;
    for (const [[tier, key], entry] of entries) groupOf(whole, tier)[key] = entry;
    return whole;
  });

const patchChange: fc.Arbitrary<RulesetChange> = fc
  .tuple(fc.constantFrom(...keys), fc.option(value, { nil: undefined }))
  .map(([[tier, key], entry]) =>
    entry === undefined ? { tier, key, deleted: true as const } : { tier, key, value: entry },
  );
const patch: fc.Arbitrary<RulesetPatch> = fc
  .record({
    revision,
    back: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    changes: fc.array(patchChange, { maxLength: 4 }),
  })
  .map(({ back, ...rest }) => {
    const previous = BigInt(rest.revision) - BigInt(back ?? 0);
    return {
      ...rest,
      ...(back !== undefined && { previousRevision: String(previous < 0n ? 0n : previous) }),
    };
  });
const event = fc.oneof({ weight: 1, arbitrary: ruleset }, { weight: 3, arbitrary: patch });

describe('a store beside its model', () => {
  it('holds the same after any sequence of rulesets and patches', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const [store, model] = [new RulesetStore(config), new ModelStore()];
        const heard: ConfigChange[] = [];
        store.subscribe((change) => {
          // Whoever hears of a change reads the whole of it.
          expect(store.ruleset?.revision).toBe(change.revision);
          heard.push(change);
        });
        for (const entry of events) {
          const before = readAll(store);
          const count = heard.length;
          const answer = 'environment' in entry ? store.replace(entry) : store.patch(entry);
          if ('environment' in entry) model.replace(entry);
          else model.patch(entry);
          expectSame(store, model);
          expect(heard.slice(count)).toEqual(answer === undefined ? [] : [answer]);
          expectOnlyChanged(before, readAll(store), answer?.keys ?? []);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never serves a value that the schema refuses, and keeps the last one that it took', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const store = new RulesetStore(config);
        const good = new Map<string, unknown>();
        for (const entry of events) {
          if ('environment' in entry) store.replace(entry);
          else store.patch(entry);
          for (const [tier, key] of keys.slice(0, 5)) {
            const compiled = store.get(key);
            if (compiled === undefined) continue;
            const stored = storedIn(store.ruleset, tier, key);
            const isGood = stored !== undefined && isTaken(key, stored);
            if (stored === undefined) good.delete(key);
            else if (isGood) good.set(key, servedOf(key, stored));
            const fallback = store.defaultOf(key);
            const expected = good.has(key) ? good.get(key) : fallback?.ok && fallback.value;
            expect(compiled.value({})).toEqual(expected);
            const invalid = store.invalidKeys().map((entry) => entry.key);
            expect(invalid.includes(key)).toBe(stored !== undefined && !isGood);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('holds the same whether events come one by one, together, or cut anywhere', () => {
    fc.assert(
      fc.property(
        ruleset,
        fc.array(patch, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
        (first, patches, sizes) => {
          const texts = [`event: ruleset\ndata: ${JSON.stringify(first)}\n\n`];
          for (const entry of patches) texts.push(`event: change\ndata: ${JSON.stringify(entry)}\n\n`);
          const together = texts.join('');
          const results = [texts, [together], pieces(together, sizes)].map((parts) => play(parts));
          const model = new ModelStore();
          model.replace(first);
          let isGap = false;
          for (const entry of patches) {
            const isSeen = BigInt(entry.revision) <= (model.position?.revision ?? 0n);
            if (!isSeen && !model.patch(entry)) {
              isGap = true;
              break;
            }
          }
          for (const { store, failed } of results) {
            expect(failed).toBe(isGap);
            expectSame(store, model);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

function groupOf(whole: Ruleset, tier: Tier): Record<string, JsonValue> {
  const names = { public: 'public', secret: 'secret', feature_flag: 'flags', limit: 'limits' } as const;
  return whole[names[tier]];
}

function storedIn(held: StoredRuleset | undefined, tier: Tier, key: string): JsonValue | undefined {
  const stored = held?.values.get(tier, key);
  return stored === undefined ? undefined : unpack(stored);
}

function isTaken(key: string, stored: JsonValue): boolean {
  if (key === 'text' || key === 'key') return typeof stored === 'string' && stored.length <= 3;
  // What is no number gives a limit's default.
  return key === 'limit' || typeof stored === 'number';
}

function servedOf(key: string, stored: JsonValue): unknown {
  if (key !== 'limit') return stored;
  return typeof stored === 'number' ? Math.min(9, Math.max(0, stored)) : 5;
}

/** What is stored of the declared keys, and of the undeclared one. */
function expectSame(store: RulesetStore, { position, values }: ModelStore): void {
  const held = store.ruleset;
  expect(held === undefined ? undefined : { epoch: held.epoch, revision: BigInt(held.revision) }).toEqual(
    position,
  );
  for (const [tier, key] of keys) expect(storedIn(held, tier, key)).toEqual(values[`${tier}/${key}`]);
}

function readAll(store: RulesetStore): Map<string, JsonValue | undefined> {
  return new Map(keys.slice(0, 5).map(([tier, key]) => [key, storedIn(store.ruleset, tier, key)]));
}

function expectOnlyChanged(
  before: ReturnType<typeof readAll>,
  after: ReturnType<typeof readAll>,
  told: readonly string[],
): void {
  for (const [key, stored] of after) {
    if (told.includes(key)) continue;
    expect(stored).toEqual(before.get(key));
  }
}

function play(parts: readonly string[]): { store: RulesetStore; failed: boolean } {
  const store = new RulesetStore(config);
  const sink = sinkOf(store);
  const events = new StreamEvents({ sink, isResumed: false, onActivity: () => undefined });
  try {
    for (const part of parts) events.feed(part);
  } catch (error) {
    expect(error).toBeInstanceOf(StreamGapError);
    return { store, failed: true };
  }
  return { store, failed: false };
}

function pieces(text: string, sizes: readonly number[]): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const size = sizes[parts.length % sizes.length] ?? 1;
    parts.push(text.slice(at, at + size));
    at += size;
  }
  return parts;
}
