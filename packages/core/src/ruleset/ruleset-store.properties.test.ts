import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { RulesetEvents, StreamGapError } from '../sources/ruleset-events.ts';
import { runs } from '../test-support/runs.ts';
import { sinkOf } from '../test-support/store-sink.ts';
import { TIERS } from '../tiers.ts';
import type { JsonValue, Ruleset, RulesetChange, RulesetPatch, Tier } from '../wire.ts';
import { unpack } from './packed-value.ts';
import { type ClientChange, RulesetStore } from './ruleset-store.ts';
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
  // Not declared by the schema.
  ['feature_flag', 'undeclared'],
] as const satisfies readonly (readonly [Tier, string])[];

/** The simplest model of a store: plain objects that are copied as a whole, and revisions as bigints. */
class ModelStore {
  position: { epoch: string | undefined; revision: bigint } | undefined;
  values: Record<string, JsonValue> = {};
  readonly #replacedEpochs = new Set<string>();

  /** Returns whether the ruleset is applied. */
  replace(ruleset: Ruleset): boolean {
    const epoch = ruleset.epoch ?? this.position?.epoch;
    const revision = BigInt(ruleset.revision);
    if (this.position !== undefined) {
      const isSame = epoch === this.position.epoch;
      if (isSame && revision < this.position.revision) return false;
      if (!isSame && epoch !== undefined && this.#replacedEpochs.has(epoch)) return false;
      if (!isSame && this.position.epoch !== undefined) this.#replacedEpochs.add(this.position.epoch);
    }
    this.position = { epoch, revision };
    this.values = {};
    for (const { tier, ruleset: group } of TIERS) {
      for (const [key, value] of Object.entries(ruleset[group])) this.values[`${tier}/${key}`] = value;
    }
    return true;
  }

  /** Returns whether the patch follows on the current position. */
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

// The schema rejects some: too long, not a number, out of bounds.
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

describe('a store and its model', () => {
  it('are in the same state after any sequence of rulesets and patches', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const [store, model] = [new RulesetStore(config), new ModelStore()];
        const changes: ClientChange[] = [];
        store.subscribe((change) => {
          // The change is complete when a listener is called.
          expect(store.ruleset?.revision).toBe(change.revision);
          changes.push(change);
        });
        for (const entry of events) {
          const before = readAll(store);
          const count = changes.length;
          if ('environment' in entry) store.replace(entry);
          else store.patch(entry);
          const isApplied = 'environment' in entry ? model.replace(entry) : model.patch(entry);
          expectSame(store, model);
          // One call for each update that is applied, and for no other.
          expect(changes).toHaveLength(isApplied ? count + 1 : count);
          expectOnlyChanged(before, readAll(store), changes[count]?.keys ?? []);
        }
      }),
      { numRuns: runs(200, 1_000) },
    );
  });

  it('serve only valid values, and keep the last valid one', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const store = new RulesetStore(config);
        const lastValid = new Map<string, unknown>();
        for (const entry of events) {
          if ('environment' in entry) store.replace(entry);
          else store.patch(entry);
          for (const [tier, key] of keys.slice(0, 5)) {
            const compiled = store.get(key);
            if (compiled === undefined) continue;
            const stored = storedIn(store.ruleset, tier, key);
            const isValid = stored !== undefined && isAccepted(key, stored);
            if (stored === undefined) lastValid.delete(key);
            else if (isValid) lastValid.set(key, parsed(key, stored));
            const fallback = store.defaultOf(key);
            const expected = lastValid.has(key) ? lastValid.get(key) : fallback?.ok && fallback.value;
            expect(compiled.value({})).toEqual(expected);
            const invalid = store.invalidKeys().map((entry) => entry.key);
            expect(invalid.includes(key)).toBe(stored !== undefined && !isValid);
          }
        }
      }),
      { numRuns: runs(150, 500) },
    );
  });

  it('are in the same state whether events arrive one by one, together, or cut anywhere', () => {
    fc.assert(
      fc.property(
        ruleset,
        fc.array(patch, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
        (first, patches, sizes) => {
          const texts = [`event: ruleset\ndata: ${JSON.stringify(first)}\n\n`];
          for (const entry of patches) texts.push(`event: change\ndata: ${JSON.stringify(entry)}\n\n`);
          const together = texts.join('');
          const results = [texts, [together], chunks(together, sizes)].map((parts) => play(parts));
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
      { numRuns: runs(150, 500) },
    );
  });
});

function groupOf(whole: Ruleset, tier: Tier): Record<string, JsonValue> {
  const names = { public: 'public', secret: 'secret', feature_flag: 'flags', limit: 'limits' } as const;
  return whole[names[tier]];
}

function storedIn(ruleset: StoredRuleset | undefined, tier: Tier, key: string): JsonValue | undefined {
  const stored = ruleset?.values.get(tier, key);
  return stored === undefined ? undefined : unpack(stored);
}

function isAccepted(key: string, stored: JsonValue): boolean {
  if (key === 'text' || key === 'key') return typeof stored === 'string' && stored.length <= 3;
  // For a limit, anything but a number gives the default.
  return key === 'limit' || typeof stored === 'number';
}

function parsed(key: string, stored: JsonValue): unknown {
  if (key !== 'limit') return stored;
  return typeof stored === 'number' ? Math.min(9, Math.max(0, stored)) : 5;
}

function expectSame(store: RulesetStore, { position, values }: ModelStore): void {
  const { ruleset } = store;
  const actual = ruleset && { epoch: ruleset.epoch, revision: BigInt(ruleset.revision) };
  expect(actual).toEqual(position);
  for (const [tier, key] of keys) expect(storedIn(ruleset, tier, key)).toEqual(values[`${tier}/${key}`]);
}

function readAll(store: RulesetStore): Map<string, JsonValue | undefined> {
  return new Map(keys.slice(0, 5).map(([tier, key]) => [key, storedIn(store.ruleset, tier, key)]));
}

function expectOnlyChanged(
  before: ReturnType<typeof readAll>,
  after: ReturnType<typeof readAll>,
  changed: readonly string[],
): void {
  for (const [key, stored] of after) {
    if (changed.includes(key)) continue;
    expect(stored).toEqual(before.get(key));
  }
}

function play(parts: readonly string[]): { store: RulesetStore; failed: boolean } {
  const store = new RulesetStore(config);
  const sink = sinkOf(store);
  const events = new RulesetEvents({ sink, isResumed: false, onActivity: () => undefined });
  try {
    for (const part of parts) events.feed(part);
  } catch (error) {
    expect(error).toBeInstanceOf(StreamGapError);
    return { store, failed: true };
  }
  return { store, failed: false };
}

function chunks(text: string, sizes: readonly number[]): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const size = sizes[parts.length % sizes.length] ?? 1;
    parts.push(text.slice(at, at + size));
    at += size;
  }
  return parts;
}
