import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';

/** The configuration of the storefront, its API and the back office. */
export const config = defineConfig({
  public: {
    apiBaseUrl: z.url().default('http://127.0.0.1:4003'),
    supportEmail: z.email().default('help@tarn.example'),
  },
  secrets: {
    paymentKey: z.string().min(1),
    databaseUrl: z.url(),
  },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    freeShipping: z.boolean().default(false),
  },
  limits: {
    cartItems: defineLimit({ default: 20, min: 1, max: 100 }),
  },
});

declare module '@smooai/config' {
  interface Register {
    config: typeof config;
  }
}
