import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../index.ts';
import { createLenientClient } from '../test-support/lenient-client.ts';

const asUrl = z.url().transform((text) => new URL(text));

describe('a snapshot of values that a schema transforms', () => {
  it('contains the transformed value if it is JSON', () => {
    const config = defineConfig({
      public: {
        port: z.coerce.number(),
        smtp: z.object({ host: z.string().trim(), port: z.number().default(25) }),
      },
      flags: { theme: z.string().toLowerCase() },
    });
    const client = createLenientClient({
      config,
      public: { port: '8080', smtp: { host: ' mail ' } },
      flags: { theme: 'DARK' },
    });
    const snapshot = client.snapshot();
    expect(snapshot.public).toEqual({ port: 8080, smtp: { host: 'mail', port: 25 } });
    expect(snapshot.flags.theme).toEqual({ value: 'dark', source: 'raw' });
    expect(client.public('port')).toBe(8080);
  });

  it('contains the stored value if the transformed one is not JSON', () => {
    const config = defineConfig({
      public: {
        homepage: asUrl,
        since: v.pipe(
          v.string(),
          v.transform((text) => new Date(text)),
        ),
        nested: z.object({ page: asUrl }),
        big: z.string().transform(BigInt),
        endless: z.string().transform(Number),
        byName: z.string().transform((text) => new Map([[text, 1]])),
      },
      flags: { page: asUrl },
    });
    const stored = {
      homepage: 'https://example.com',
      since: '2026-01-01',
      nested: { page: 'https://example.com/a' },
      big: '900719925474099312',
      endless: 'Infinity',
      byName: 'a',
    };
    const page = {
      $cohort: {
        rules: [
          {
            id: 'nl',
            when: { attribute: 'country', op: 'in' as const, values: ['NL'] },
            value: 'https://example.com/nl',
          },
        ],
        defaultValue: 'https://example.com/all',
      },
    };
    const client = createLenientClient({ config, public: stored, flags: { page } });
    expect(client.public('homepage')).toEqual(new URL('https://example.com'));
    expect(client.flag('page', { country: 'NL' }).href).toBe('https://example.com/nl');
    expect(client.snapshot().public).toEqual(stored);
    expect(client.snapshot({ country: 'NL' }).flags.page).toMatchObject({
      value: 'https://example.com/nl',
      source: 'rule',
    });
    expect(client.snapshot().flags.page?.value).toBe('https://example.com/all');
    expect(JSON.parse(JSON.stringify(client.snapshot()))).toEqual(client.snapshot());
    client.set({ public: { since: '2026-02-02' } });
    expect(client.snapshot().public.since).toBe('2026-02-02');
  });

  it('contains the default that the JSON Schema names', () => {
    const config = defineConfig({
      public: {
        named: z
          .url()
          .default('https://example.com')
          .transform((text) => new URL(text)),
        prefault: asUrl.prefault('https://example.com/p'),
      },
    });
    const client = createLenientClient({ config });
    expect(client.public('prefault').href).toBe('https://example.com/p');
    expect(client.snapshot().public).toEqual({
      named: 'https://example.com',
      prefault: 'https://example.com/p',
    });
  });

  it('never contains a secret, neither its value nor its name, in any form', () => {
    const config = defineConfig({
      public: { title: z.string() },
      secrets: { plainKey: z.string(), dateKey: z.coerce.date(), defaultKey: z.string().default('hunter3') },
      flags: { newCheckout: z.boolean().default(false) },
    });
    const secrets = { plainKey: 'hunter2', dateKey: '2026-01-01' };
    const client = createLenientClient({ config, public: { title: 'Shop' }, secrets });
    const snapshot = client.snapshot({ userId: 'u' });
    expect(snapshot.public).toEqual({ title: 'Shop' });
    expect(Object.keys(snapshot.flags)).toEqual(['newCheckout']);
    expect(JSON.stringify(snapshot)).not.toMatch(/hunter|Key|2026/);
  });

  it('does not show a browser that a stored value is invalid', () => {
    const config = defineConfig({ flags: { theme: z.enum(['light', 'dark']).default('light') } });
    const when = { attribute: 'userId', op: 'exists' as const };
    const theme = { $cohort: { rules: [{ id: 'r', when, value: 'pink' }], defaultValue: 'dark' } };
    const client = createLenientClient({ config, flags: { theme: theme as never } });
    expect(client.flagDetails('theme', { userId: 'u' }).errorCode).toBe('ERR_VALUE_INVALID');
    expect(client.snapshot({ userId: 'u' }).flags.theme).toStrictEqual({ value: 'dark', source: 'default' });
  });

  it('keeps the previous value if a new one is invalid', () => {
    const config = defineConfig({ public: { homepage: asUrl } });
    const client = createLenientClient({ config, public: { homepage: 'https://example.com' } });
    client.set({ public: { homepage: 'not a URL' } });
    expect(client.snapshot().public).toEqual({ homepage: 'https://example.com' });
  });

  it('handles a value that contains itself', () => {
    const config = defineConfig({
      public: {
        tree: z.string().transform((name) => {
          const node: Record<string, unknown> = { name };
          node.self = node;
          return node;
        }),
      },
    });
    expect(createLenientClient({ config, public: { tree: 'a' } }).snapshot().public).toEqual({ tree: 'a' });
  });
});
