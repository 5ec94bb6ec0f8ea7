import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import { config } from './schema';

const defaults = { public: { supportEmail: 'bundled@shop.example' }, secrets: { paymentKey: 'bundled-key' } };

export const { client, flag, flags, limit, publicValue, secret, snapshot, ConfigRoot, handlers } =
  createNextConfig({
    config,
    context: async () => {
      const userId = (await cookies()).get('userId')?.value;
      // Next throws here. No read may catch that.
      if (userId === 'signed-out') redirect('/plain');
      return { userId };
    },
    clientOptions: process.env.SHOP_BUNDLED === '1' ? { bundled: { defaults } } : {},
  });
