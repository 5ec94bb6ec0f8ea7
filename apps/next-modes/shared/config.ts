import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { cookies } from 'next/headers';
import { config } from './schema';

const defaults = { public: { supportEmail: 'bundled@shop.example' }, secrets: { paymentKey: 'bundled-key' } };

export const { client, flag, flags, limit, publicValue, secret, snapshot, ConfigRoot, handlers } =
  createNextConfig({
    config,
    context: async () => ({ userId: (await cookies()).get('userId')?.value }),
    clientOptions: process.env.SHOP_BUNDLED === '1' ? { bundled: { defaults } } : {},
  });
