import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: {
    apiBaseUrl: z.url(),
    maxRetries: z.number().int().default(3),
    title: z.string().default('Shop'),
    links: z.object({ help: z.string(), terms: z.string(), tags: z.array(z.string()) }).optional(),
  },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
});

const databaseUrl = 'postgres://user:hunter2@db.example:5432/shop';

const ruleset = (values: Partial<Ruleset> = {}): Ruleset =>
  rulesetOf({ public: { apiBaseUrl: 'https://api.example.com' }, secret: { databaseUrl }, ...values });

type Options = Partial<ConfigClientOptions<typeof config>>;

function makeClient(options: Options = {}, first: Ruleset | Error | 'nothing' = ruleset()) {
  const source = new ManualSource(first);
  const events: ConfigClientEvent[] = [];
  const onEvent = (event: ConfigClientEvent): number => events.push(event);
  return { client: createConfigClient({ config, source, onEvent, ...options }), source, events };
}

async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => expect.unreachable(),
    (error) => error,
  );
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('environment variables', () => {
  it('override the values of the server, parsed by the schema', async () => {
    const variables = {
      API_BASE_URL: 'https://override.example.com',
      MAX_RETRIES: '7',
      TITLE: '42',
      NEW_CHECKOUT: 'true',
      THEME: 'dark',
      CART_ITEMS: '52',
      DATABASE_URL: '',
    };
    const { client, source } = makeClient({ overrides: { variables } });
    await client.ready();
    expect(client.public('apiBaseUrl')).toBe('https://override.example.com');
    expect(client.public('maxRetries')).toBe(7);
    expect(client.public('title')).toBe('42');
    expect(client.flag('newCheckout', { userId: 'u-1' })).toBe(true);
    expect(client.flag('theme')).toBe('dark');
    expect(client.limit('cartItems')).toBe(50);
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.origin('apiBaseUrl')).toBe('environment');
    expect(client.origin('databaseUrl')).toBe('server');
    expect(client.origin('links')).toBe('default');

    const listener = vi.fn();
    client.subscribe(listener);
    source.sink?.patch({
      revision: '2',
      changes: [{ tier: 'feature_flag', key: 'newCheckout', value: false }],
    });
    expect(client.flag('newCheckout')).toBe(true);
    expect(listener).not.toHaveBeenCalled();
  });

  it('are read from process.env by default, with a prefix if one is set, or not at all', async () => {
    vi.stubEnv('THEME', 'dark');
    vi.stubEnv('SHOP_NEW_CHECKOUT', 'true');
    const plain = makeClient().client;
    const prefixed = makeClient({ overrides: { prefix: 'SHOP_' } }).client;
    const none = makeClient({ overrides: false }).client;
    await Promise.all([plain.ready(), prefixed.ready(), none.ready()]);
    expect([plain.flag('theme'), plain.flag('newCheckout')]).toEqual(['dark', false]);
    expect([prefixed.flag('theme'), prefixed.flag('newCheckout')]).toEqual(['light', true]);
    expect([none.flag('theme'), none.flag('newCheckout')]).toEqual(['light', false]);
  });

  it('make ready() reject if the schema rejects them, together with all other errors, showing no secret', async () => {
    const variables = { DATABASE_URL: 'hunter2 is not a url', CART_ITEMS: 'many', THEME: '{"$cohort":{}}' };
    const { client, source } = makeClient({ overrides: { variables } }, ruleset({ public: {} }));
    const error = await failureOf(client.ready());
    expect(error).toMatchObject({ code: 'ERR_VALUES_INVALID' });
    expect(error.message).toContain(
      'secrets.databaseUrl is invalid in the environment variable DATABASE_URL',
    );
    expect(error.message).toContain('CART_ITEMS: it is not a number');
    expect(error.message).toContain('THEME');
    expect(error.message).toContain('public.apiBaseUrl has no value');
    expect(error.message).not.toContain('hunter2');
    expect(source.stops).toBe(1);
  });

  it('are ignored with an event if the schema rejects them and the start is in the background', async () => {
    const variables = { THEME: 'pink' };
    const { client, events } = makeClient({ overrides: { variables }, start: 'background' });
    expect(client.flag('theme')).toBe('light');
    // The caller has just got the client that events are about.
    expect(events).toEqual([]);
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('invalid'), { timeout: 30_000 });
    expect(events).toContainEqual({
      type: 'invalid',
      keys: [expect.objectContaining({ key: 'theme', code: 'ERR_VALUE_INVALID' })],
    });
    await vi.waitFor(() => expect(client.health().status).toBe('ready'), { timeout: 30_000 });
    expect(client.health().invalidKeys).toMatchObject([{ key: 'theme' }]);
  });
});

describe('bundled values', () => {
  it('are used below the server: the environment merged over the defaults, computed values last', async () => {
    const bundled = {
      defaults: {
        public: {
          title: 'Bundled shop',
          maxRetries: 1,
          links: { help: '/help', terms: '/terms', tags: ['a', 'b'] },
        },
        flags: { theme: 'dark' as const },
      },
      environments: {
        production: {
          public: {
            apiBaseUrl: ({ public: { title } }: { public: Readonly<Record<string, unknown>> }) =>
              `https://${String(title).split(' ')[0]?.toLowerCase()}.example.com`,
            links: { help: '/production-help', terms: '/terms', tags: ['c'] },
          },
        },
        test: { public: { title: 'never' } },
      },
    };
    const { client } = makeClient(
      { bundled, environment: 'production' },
      ruleset({ public: { maxRetries: 9 } }),
    );
    await client.ready();
    expect(client.public('maxRetries')).toBe(9);
    expect(client.origin('maxRetries')).toBe('server');
    expect(client.public('title')).toBe('Bundled shop');
    expect(client.origin('title')).toBe('file');
    expect(client.public('apiBaseUrl')).toBe('https://bundled.example.com');
    expect(client.public('links')).toEqual({ help: '/production-help', terms: '/terms', tags: ['c'] });
    expect(client.flag('theme')).toBe('dark');
    expect(client.origin('newCheckout')).toBe('default');
  });

  it('are used in place of a value that the schema rejects', async () => {
    const bundled = { defaults: { flags: { theme: 'dark' as const } } };
    const { client } = makeClient({ bundled }, ruleset({ flags: { theme: 'pink' } }));
    await client.ready();
    expect(client.flag('theme')).toBe('dark');
    expect(client.origin('theme')).toBe('file');
  });

  it('are rejected by name if they are malformed', async () => {
    for (const [defaults, words] of [
      [{ flag: {} }, 'unknown tier "flag"'],
      [{ flags: [] }, '"flags"'],
      [{ public: { title: () => Promise.resolve('later') } }, 'public.title must return a value'],
      [
        {
          secrets: {
            databaseUrl: () => {
              throw new Error('hunter2');
            },
          },
        },
        'secrets.databaseUrl threw',
      ],
    ] as const) {
      const { client } = makeClient({ bundled: { defaults: defaults as never } });
      const error = await failureOf(client.ready());
      expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'bundled' });
      expect(error.message).toContain(words);
      expect(error.message).not.toContain('hunter2');
    }
  });

  describe('in files', () => {
    let directory = '';
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'bundled-'));
    });
    afterEach(() => rm(directory, { recursive: true }));

    it('are read at the start, the file of the environment merged over the other', async () => {
      const file = join(directory, 'defaults.json');
      await writeFile(file, JSON.stringify({ public: { title: 'File shop', maxRetries: 2 } }));
      await writeFile(join(directory, 'production.json'), JSON.stringify({ public: { maxRetries: 5 } }));
      const bundled = { file, environmentFile: join(directory, '{environment}.json') };
      const production = makeClient({ bundled, environment: 'production' }).client;
      const other = makeClient({ bundled, environment: 'staging' }).client;
      await Promise.all([production.ready(), other.ready()]);
      expect([production.public('title'), production.public('maxRetries')]).toEqual(['File shop', 5]);
      expect([other.public('title'), other.public('maxRetries')]).toEqual(['File shop', 2]);
      const outside = makeClient({ bundled, environment: '../production' }).client;
      expect(await failureOf(outside.ready())).toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
    });

    it('are rejected if they are missing or not valid JSON, without repeating their text', async () => {
      const file = join(directory, 'broken.json');
      await writeFile(file, '{"secrets": {"databaseUrl": "hunter2');
      const broken = await failureOf(makeClient({ bundled: { file } }).client.ready());
      expect(broken).toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
      expect(broken.message).toMatch(/broken\.json is not valid JSON/);
      expect(broken.message).not.toContain('hunter2');
      const missing = makeClient({ bundled: { file: join(directory, 'none.json') } }).client;
      expect((await failureOf(missing.ready())).message).toContain('ENOENT');
    });
  });
});

describe('a start that no call waits for', () => {
  it('is triggered by the first read if it is lazy, and that read sees all values that need no waiting', async () => {
    const variables = { TITLE: 'From a variable' };
    const { client, source, events } = makeClient({ start: 'lazy', overrides: { variables } });
    expect(source.starts).toBe(0);
    expect(client.public('title')).toBe('From a variable');
    expect(source.starts).toBe(1);
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('ready'), { timeout: 30_000 });
    expect(client.health().status).toBe('ready');
    expect(await client.ready()).toBe(client);
    expect(source.starts).toBe(1);
  });

  it('serves defaults until the first values arrive, and reports what is not known yet', async () => {
    const { client, source } = makeClient({ start: 'background' }, 'nothing');
    expect(client.flagDetails('theme')).toMatchObject({ value: 'light', errorCode: 'ERR_NOT_READY' });
    expect(client.public('maxRetries')).toBe(3);
    expect(() => client.secret('databaseUrl')).toThrow(expect.objectContaining({ code: 'ERR_NOT_READY' }));
    expect(client.health()).toMatchObject({ status: 'starting', transport: 'none' });
    expect(await failureOf(client.ready({ timeoutMs: 10 }))).toMatchObject({ code: 'ERR_READY_TIMEOUT' });
    source.sink?.replace(ruleset({ flags: { theme: 'dark' } }));
    expect(client.flag('theme')).toBe('dark');
    await client.close();
  });

  it('is repeated until it succeeds', async () => {
    vi.useFakeTimers();
    const { client, source, events } = makeClient({ start: 'background' }, new Error('refused'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(source.starts).toBeGreaterThan(1);
    source.next = ruleset({ flags: { newCheckout: true } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.flag('newCheckout')).toBe(true);
    expect(client.health().status).toBe('ready');
    expect(events.filter(({ type }) => type === 'ready')).toHaveLength(1);
    await client.close();
  });

  it('reports missing settings as an event, and ready() rejects with them', async () => {
    const events: ConfigClientEvent[] = [];
    const variables = ['API_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'API_KEY', 'ORG_ID'];
    for (const name of variables) vi.stubEnv(`SMOOAI_CONFIG_${name}`, '');
    const client = createConfigClient({
      config,
      start: 'background',
      onEvent: (event) => events.push(event),
    });
    await vi.waitFor(() => expect(client.health().status).toBe('failed'), { timeout: 30_000 });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'connection',
        error: expect.objectContaining({ code: 'ERR_SETTINGS_MISSING' }),
      }),
    );
    expect(await failureOf(client.ready())).toMatchObject({ code: 'ERR_SETTINGS_MISSING' });
  });
});

describe('options', () => {
  it('are rejected by name if the schema is missing, or an object is given as a path', () => {
    for (const [options, option] of [
      [undefined, 'config'],
      [{}, 'config'],
      [{ config: { flags: {} } }, 'config'],
      [{ config, cache: './copy.json' }, 'cache'],
    ] as const) {
      expect(() => createConfigClient(options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option }),
      );
    }
  });

  it('are rejected by name if their value is invalid', () => {
    for (const [option, value] of [
      ['start', 'soon'],
      ['fallback', 'always'],
      ['fallback', 'cached'],
      ['maxStalenessMs', -1],
      ['pollIntervalMs', Number.NaN],
    ] as const) {
      expect(() => makeClient({ [option]: value })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option }),
      );
    }
  });
});
