import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../wire.ts';
import { applySnapshotPatch, diffSnapshots } from './snapshot-diff.ts';

const base: Snapshot = {
  revision: '7',
  public: { supportEmail: 'help@example.com', links: { terms: '/terms', help: ['/a', '/b'] } },
  flags: { newCheckout: { value: false, source: 'raw' }, theme: { value: 'light', source: 'default' } },
  limits: { cartItems: { value: 20, source: 'raw' } },
};

describe('diffSnapshots', () => {
  it('returns undefined if only the revision or the order of properties differs', () => {
    const next: Snapshot = {
      ...base,
      revision: '8',
      public: { links: { help: ['/a', '/b'], terms: '/terms' }, supportEmail: 'help@example.com' },
    };
    expect(diffSnapshots(base, next)).toBeUndefined();
  });

  it('contains what changed, and nothing else', () => {
    const next: Snapshot = {
      ...base,
      revision: '9',
      flags: { ...base.flags, newCheckout: { value: true, source: 'rule', matchedRuleId: 'nl' } },
    };
    expect(diffSnapshots(base, next)).toEqual({
      revision: '9',
      flags: { newCheckout: { value: true, source: 'rule', matchedRuleId: 'nl' } },
    });
  });

  it('contains a value whose reason changed', () => {
    const next: Snapshot = { ...base, flags: { ...base.flags, theme: { value: 'light', source: 'raw' } } };
    expect(diffSnapshots(base, next)?.flags).toEqual({ theme: { value: 'light', source: 'raw' } });
  });

  it('lists deleted keys, also beside added ones', () => {
    const next: Snapshot = { ...base, revision: '10', public: { maxRetries: 3 }, limits: {} };
    expect(diffSnapshots(base, next)).toEqual({
      revision: '10',
      public: { maxRetries: 3 },
      deleted: { public: ['supportEmail', 'links'], limits: ['cartItems'] },
    });
  });

  it('distinguishes arrays from objects, null from missing keys, and the order of items', () => {
    const from = (value: Snapshot['public']): Snapshot => ({ ...base, public: value });
    expect(diffSnapshots(from({ a: [] }), from({ a: {} }))?.public).toEqual({ a: {} });
    expect(diffSnapshots(from({ a: null }), from({}))?.deleted).toEqual({ public: ['a'] });
    expect(diffSnapshots(from({ a: [1, 2] }), from({ a: [2, 1] }))?.public).toEqual({ a: [2, 1] });
    expect(diffSnapshots(from({ a: { x: 1 } }), from({ a: { x: 1, y: 1 } }))?.public).toEqual({
      a: { x: 1, y: 1 },
    });
  });
});

describe('applySnapshotPatch', () => {
  it('keeps the identity of entries that the patch does not name, and does not modify its arguments', () => {
    const before = structuredClone(base);
    const next = applySnapshotPatch(base, {
      revision: '8',
      limits: { cartItems: { value: 50, source: 'raw' } },
      deleted: { flags: ['theme'] },
    });
    expect(next.limits.cartItems?.value).toBe(50);
    expect(next.flags).toEqual({ newCheckout: { value: false, source: 'raw' } });
    expect(next.flags.newCheckout).toBe(base.flags.newCheckout);
    expect(next.public.links).toBe(base.public.links);
    expect(base).toEqual(before);
  });

  it('turns one snapshot into another with the patch of diffSnapshots, for any two', () => {
    const key = fc.string({ maxLength: 3 }).filter((name) => name !== '__proto__');
    const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Snapshot['public'][string]>;
    const evaluations = fc.dictionary(
      key,
      fc.record({ value: json, source: fc.constantFrom('raw', 'rule') }),
    );
    const snapshot = fc.record({
      revision: fc.nat().map(String),
      public: fc.dictionary(key, json),
      flags: evaluations,
      limits: evaluations,
    }) as fc.Arbitrary<Snapshot>;
    fc.assert(
      fc.property(snapshot, snapshot, (previous, next) => {
        const patch = diffSnapshots(previous, next);
        const wired = patch && JSON.parse(JSON.stringify(patch));
        const applied = wired
          ? applySnapshotPatch(previous, wired)
          : { ...previous, revision: next.revision };
        expect(JSON.parse(JSON.stringify(applied))).toEqual(JSON.parse(JSON.stringify(next)));
      }),
    );
  });
});
