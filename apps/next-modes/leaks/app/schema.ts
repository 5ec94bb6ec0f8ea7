import { defineConfig } from '@smooai/config';
import { z } from 'zod';

export const config = defineConfig({
  public: { supportEmail: z.email().default('help@shop.example') },
  secrets: { paymentKey: z.string().min(1), signingKey: z.string().optional() },
});
