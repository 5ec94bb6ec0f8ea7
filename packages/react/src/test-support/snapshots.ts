import type { JsonValue, Snapshot } from '@smooai/config/browser';

/** A snapshot of raw answers. */
export function snapshotOf(flags: Record<string, JsonValue>, revision = '1'): Snapshot {
  return {
    revision,
    public: { supportEmail: 'help@example.com' },
    flags: Object.fromEntries(Object.entries(flags).map(([key, value]) => [key, { value, source: 'raw' }])),
    limits: { cartItems: { value: 20, source: 'raw' } },
  };
}
