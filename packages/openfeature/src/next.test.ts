// Before all others: it sets what modules of Next look for when they are loaded.

import { OpenFeature } from '@openfeature/server-sdk';
import { createTestClient } from '@smooai/config/testing';
import { inRequest } from '@smooai/config-next/testing';
import { cookies } from 'next/headers.js';
import { afterEach, expect, it } from 'vitest';
import { requestContextHook, SmooConfigProvider } from './server.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';

afterEach(async () => {
  OpenFeature.clearHooks();
  await OpenFeature.clearProviders();
});

it('server code of Next evaluates for the visitor whose context createNextConfig is given', async () => {
  // The function that is also the option `context` of `createNextConfig`.
  const context = async () => ({ userId: (await cookies()).get('userId')?.value });
  const flags = { theme: targeted('dark', 'light') as never };
  await OpenFeature.setProviderAndWait(
    new SmooConfigProvider(createTestClient({ config: shopConfig, flags })),
  );
  OpenFeature.addHooks(requestContextHook(context));
  const themeFor = (userId: string) =>
    inRequest({ config: shopConfig, cookies: { userId } }, () =>
      OpenFeature.getClient().getStringValue('theme', 'none'),
    );
  const others = Array.from({ length: 20 }, (_, index) => `user-${index}`);
  const [insider, ...themes] = await Promise.all(['insider', ...others].map(themeFor));
  expect(insider).toBe('dark');
  expect(new Set(themes)).toEqual(new Set(['dark', 'light']));
});
