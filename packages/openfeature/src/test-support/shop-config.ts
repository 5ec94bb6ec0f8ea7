import { type AnyConfig, defineConfig, defineLimit, type JsonValue } from '@smooai/config';
import { z } from 'zod';

/** The schema of this package's own tests. */
export const shopConfig: AnyConfig = defineConfig({
  public: { supportEmail: z.email().default('help@example.com') },
  secrets: { paymentKey: z.string().default('not set') },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum({ day: 'light', night: 'dark' }).default('light'),
    banner: z.string().optional(),
    layout: z.object({ columns: z.array(z.number()) }).default({ columns: [1] }),
    opening: z
      .string()
      .transform((text) => new Date(text))
      .prefault('2026-01-01T00:00:00Z'),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

/** A value for one user, and half of the others by their buckets. */
export function targeted(value: JsonValue, fallback: JsonValue): JsonValue {
  const when = { attribute: 'userId', op: 'in', values: ['insider'] };
  const rollout = { variants: [{ value, weight: 50 }] };
  return { $cohort: { rules: [{ id: 'insiders', when, value }], rollout, defaultValue: fallback } };
}
