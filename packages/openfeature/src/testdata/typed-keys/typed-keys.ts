// Compiled on its own by typed-keys.test.ts: the augmentation holds for the whole program.
import type { Client } from '@openfeature/server-sdk';
import type { Client as WebClient } from '@openfeature/web-sdk';
import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';
import type { BooleanKeyOf, NumberKeyOf, ObjectKeyOf, StringKeyOf } from '../../typed-keys.ts';

const config = defineConfig({
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

declare module '@openfeature/core' {
  export type BooleanFlagKey = BooleanKeyOf<typeof config>;
  export type StringFlagKey = StringKeyOf<typeof config>;
  export type NumberFlagKey = NumberKeyOf<typeof config>;
  export type ObjectFlagKey = ObjectKeyOf<typeof config>;
}

declare const server: Client;
declare const web: WebClient;

void server.getBooleanValue('newCheckout', false);
void server.getStringValue('theme', 'light');
void server.getStringValue('banner', '');
void server.getStringValue('supportEmail', '');
void server.getNumberValue('cartItems', 1);
void server.getObjectValue('layout', { columns: 1 });
web.getBooleanValue('newCheckout', false);

// @ts-expect-error a typo
void server.getBooleanValue('newCheckuot', false);
// @ts-expect-error not a boolean
void server.getBooleanValue('theme', false);
// @ts-expect-error a secret cannot be read
void server.getStringValue('paymentKey', '');
// @ts-expect-error a limit is a number
void server.getStringValue('cartItems', '');
// @ts-expect-error a typo, in a browser
web.getBooleanValue('newCheckuot', false);
