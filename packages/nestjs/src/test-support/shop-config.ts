import { type ConfigDefinition, defineConfig, defineLimit, type LimitDefinition } from '@smooai/config';
import { z } from 'zod';

/** The schema of the tests. Its type is written out for `isolatedDeclarations`; applications do not need that. */
export const config: ConfigDefinition<
  { supportEmail: z.ZodDefault<z.ZodEmail> },
  { paymentKey: z.ZodString },
  {
    newCheckout: z.ZodDefault<z.ZodBoolean>;
    beta: z.ZodDefault<z.ZodBoolean>;
    theme: z.ZodDefault<z.ZodEnum<{ light: 'light'; dark: 'dark' }>>;
  },
  { cartItems: LimitDefinition }
> = defineConfig({
  public: { supportEmail: z.email().default('help@shop.example') },
  secrets: { paymentKey: z.string().min(1) },
  flags: {
    newCheckout: z.boolean().default(false),
    beta: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

declare module '@smooai/config' {
  interface Register {
    config: typeof config;
  }
}
