import {
  type ConfigDefinition,
  defineConfig,
  defineLimit,
  type LimitDefinition,
  type TargetedValue,
} from '@smooai/config';
import { z } from 'zod';

/** The type of the schema, written out for `isolatedDeclarations`. */
export type ShopConfig = ConfigDefinition<
  { supportEmail: z.ZodDefault<z.ZodString> },
  { paymentKey: z.ZodDefault<z.ZodString> },
  {
    newCheckout: z.ZodDefault<z.ZodBoolean>;
    freeShipping: z.ZodDefault<z.ZodBoolean>;
    theme: z.ZodDefault<z.ZodEnum<{ light: 'light'; dark: 'dark' }>>;
  },
  { cartItems: LimitDefinition }
>;

declare module '@smooai/config' {
  interface Register {
    config: ShopConfig;
  }
}

/** Creates the schema of this package's tests. Each call creates a new one, as a hot reload does. */
export function shopConfig(): ShopConfig {
  return defineConfig({
    public: { supportEmail: z.string().default('help@example.com') },
    secrets: { paymentKey: z.string().default('sk-default-0000') },
    flags: {
      newCheckout: z.boolean().default(false),
      freeShipping: z.boolean().default(false),
      theme: z.enum(['light', 'dark']).default('light'),
    },
    limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
  });
}

/** A targeted value that is true in one country only. */
export function onlyIn(country: string): TargetedValue<boolean> {
  return {
    $cohort: {
      rules: [{ id: country, when: { attribute: 'country', op: 'in', values: [country] }, value: true }],
      defaultValue: false,
    },
  };
}
