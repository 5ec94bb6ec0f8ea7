import type { ConfigSnapshot, JsonValue, Snapshot } from '@smooai/config/browser';

/** A snapshot of the tests' schema. */
export type ShopSnapshot = Snapshot & ConfigSnapshot;

/** A snapshot whose flags have these values for everyone. */
export function snapshotOf(flags: Record<string, JsonValue>, revision = '1'): ShopSnapshot {
  return {
    revision,
    public: { supportEmail: 'help@example.com' },
    flags: Object.fromEntries(Object.entries(flags).map(([key, value]) => [key, { value, source: 'raw' }])),
    limits: { cartItems: { value: 20, source: 'raw' } },
  } as ShopSnapshot;
}

/** The snapshot that most tests start with. */
export const first: ShopSnapshot = snapshotOf({
  newCheckout: false,
  theme: 'light',
  layout: { columns: [1, 2] },
});

/** The next snapshot: only `newCheckout` has changed. */
export const flipped: ShopSnapshot = snapshotOf(
  { newCheckout: true, theme: 'light', layout: { columns: [1, 2] } },
  '2',
);
