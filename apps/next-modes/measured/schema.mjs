import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';
import { FLAG_KEYS } from './keys.mjs';

const flags = Object.fromEntries(FLAG_KEYS.map((key) => [key, z.boolean().default(false)]));

/** The schema of the app that `benchmarks/next` measures. */
export const measuredConfig = defineConfig({
  flags: { ...flags, betaShop: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
