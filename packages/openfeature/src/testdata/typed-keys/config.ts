import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';

export const config = defineConfig({
  public: { supportEmail: z.email() },
  secrets: { paymentKey: z.string() },
  flags: {
    newCheckout: z.boolean().default(false),
    banner: z.string().optional(),
    theme: z.enum(['light', 'dark']).default('light'),
    layout: z.object({ columns: z.number() }),
  },
  limits: { cartItems: defineLimit({ default: 20 }) },
});
