import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';

export const config = defineConfig({
  public: { supportEmail: z.email() },
  secrets: { paymentKey: z.string().min(1) },
  flags: {
    newCheckout: z.boolean().default(false),
    betaShop: z.boolean().default(false),
    freeShipping: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

declare module '@smooai/config' {
  interface Register {
    config: typeof config;
  }
}
