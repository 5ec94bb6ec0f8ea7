import { createTestClient } from '@smooai/config/testing';
import { cookies, headers } from 'next/headers';
import { describe, expect, it } from 'vitest';
import { createNextConfig } from './server.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';
import { inRequest } from './testing.ts';

const config = shopConfig();
const { flag, secret, snapshot, client } = createNextConfig({
  config,
  context: async () => ({ country: (await cookies()).get('country')?.value ?? 'none' }),
  clientOptions: { apiUrl: 'http://127.0.0.1:9' },
});

describe('inRequest', () => {
  it('gives server code the chosen values, cookies and headers, also in concurrent tests', async () => {
    const visit = (country: string) =>
      inRequest(
        {
          config,
          flags: { freeShipping: onlyIn('NL'), theme: country === 'NL' ? 'dark' : 'light' },
          secrets: { paymentKey: `key-${country}` },
          cookies: { country },
          headers: { 'x-visitor': country },
        },
        async () => {
          await new Promise((resolve) => setImmediate(resolve));
          const values = [await flag('freeShipping'), await flag('theme'), await secret('paymentKey')];
          return [...values, (await headers()).get('x-visitor')];
        },
      );
    expect(await Promise.all([visit('NL'), visit('BE')])).toEqual([
      [true, 'dark', 'key-NL', 'NL'],
      [false, 'light', 'key-BE', 'BE'],
    ]);
  });

  it('runs server actions that write cookies, and rejects with their error', async () => {
    const action = async (): Promise<unknown> => {
      (await cookies()).set('country', 'NL');
      return (await snapshot()).flags.freeShipping?.value;
    };
    expect(await inRequest({ config, flags: { freeShipping: onlyIn('NL') } }, action)).toBe(true);
    const failing = inRequest({ config }, () => Promise.reject(new Error('refused')));
    await expect(failing).rejects.toThrow('refused');
  });

  it('replaces a client that was passed, and ends with the test', async () => {
    const own = createNextConfig({ client: createTestClient({ config, flags: { theme: 'light' } }) });
    expect(await inRequest({ config, flags: { theme: 'dark' } }, () => own.flag('theme'))).toBe('dark');
    expect(await own.flag('theme')).toBe('light');
    await expect(client()).rejects.toThrow(/Missing settings/);
  });
});
