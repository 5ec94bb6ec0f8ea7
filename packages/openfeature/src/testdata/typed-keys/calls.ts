// Compiled on its own by typed-keys.test.ts: the augmentation holds for the whole program.
import type { Client } from '@openfeature/server-sdk';
import type { Client as WebClient } from '@openfeature/web-sdk';

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
