import { type ConfigDefinition, defineConfig, defineLimit, type LimitDefinition } from '@smooai/config';
import { z } from 'zod';

const layout: z.ZodObject<{ columns: z.ZodArray<z.ZodNumber> }> = z.object({ columns: z.array(z.number()) });

type ShopConfig = ConfigDefinition<
  { supportEmail: z.ZodDefault<z.ZodEmail> },
  { paymentKey: z.ZodString },
  {
    newCheckout: z.ZodDefault<z.ZodBoolean>;
    theme: z.ZodDefault<z.ZodEnum<{ light: 'light'; dark: 'dark' }>>;
    layout: z.ZodDefault<typeof layout>;
  },
  { cartItems: LimitDefinition }
>;

/** The schema of this package's tests. */
export const config: ShopConfig = defineConfig({
  public: { supportEmail: z.email().default('help@example.com') },
  secrets: { paymentKey: z.string().min(1) },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    layout: layout.default({ columns: [1] }),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

declare module '@smooai/config' {
  interface Register {
    config: ShopConfig;
  }
}
