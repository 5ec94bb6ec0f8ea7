import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { isConfigError, type ValuesInvalidError } from '../errors.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import type { RulesetSource } from '../sources/ruleset-source.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { createTestClient } from '../testing.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.url(), maxRetries: z.number().int().default(3) },
  secrets: { databaseUrl: z.url() },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    layout: z.object({ columns: z.number() }).default({ columns: 3 }),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 1 }) },
});

const databaseUrl = 'postgres://user:hunter2@db.example:5432/shop';
const required = { public: { apiBaseUrl: 'https://api.example.com' }, secrets: { databaseUrl } };

const ruleset = (values: Partial<Ruleset> = {}): Ruleset =>
  rulesetOf({ public: { apiBaseUrl: 'https://api.example.com' }, secret: { databaseUrl }, ...values });

async function readyClient(first: Ruleset = ruleset()) {
  const source = new ManualSource(first);
  const events: ConfigClientEvent[] = [];
  const client = await createConfigClient({ config, source, onEvent: (event) => events.push(event) }).ready();
  const sink = source.sink;
  if (sink === undefined) throw new Error('the source was not started');
  return { client, source, sink, events };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('reads', () => {
  it('return parsed values of every tier', async () => {
    const { client } = await readyClient(
      ruleset({ flags: { newCheckout: true, theme: 'dark' }, limits: { cartItems: 250 } }),
    );
    expect(client.public('apiBaseUrl')).toBe('https://api.example.com');
    expect(client.public('maxRetries')).toBe(3);
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.flag('newCheckout')).toBe(true);
    expect(client.flag('theme')).toBe('dark');
    expect(client.limit('cartItems')).toBe(100);
  });

  it('evaluate targeting by context, with segments', () => {
    const client = createTestClient({
      config,
      ...required,
      segments: { dutch: { attribute: 'country', op: 'in', values: ['NL'] } },
      flags: {
        theme: {
          $cohort: {
            rules: [{ id: 'nl', when: { segment: 'dutch' }, value: 'dark' }],
            defaultValue: 'light',
          },
        },
      },
      limits: {
        cartItems: {
          $cohort: {
            rules: [{ id: 'pro', when: { attribute: 'plan', op: 'in', values: ['pro'] }, value: 500 }],
            defaultValue: 10,
          },
        },
      },
    });
    expect(client.flag('theme', { country: 'NL' })).toBe('dark');
    expect(client.flagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'rule',
      matchedRuleId: 'nl',
    });
    expect(client.flagDetails('theme')).toEqual({ value: 'light', source: 'default' });
    expect(client.limit('cartItems', { plan: 'pro' })).toBe(100);
    expect(client.limit('cartItems', {})).toBe(10);
    client.set({ segments: { dutch: { attribute: 'country', op: 'in', values: ['BE'] } } });
    expect(client.flag('theme', { country: 'NL' })).toBe('light');
    expect(client.flag('theme', { country: 'BE' })).toBe('dark');
  });

  it('do not return a value of another tier', async () => {
    const { client } = await readyClient();
    // @ts-expect-error a secret is not a flag
    expect(client.flagDetails('databaseUrl')).toEqual({
      value: undefined,
      source: 'default',
      errorCode: 'ERR_KEY_UNKNOWN',
    });
    // @ts-expect-error a secret is not a flag
    expect(client.flag('databaseUrl')).toBeUndefined();
    // @ts-expect-error a secret is not a public value
    expect(() => client.public('databaseUrl')).toThrow(/not a public value/);
    // @ts-expect-error a flag is not a limit
    expect(client.limit('newCheckout')).toBeUndefined();
  });

  it('return defaults before ready(), and throw only if there is none', () => {
    const client = createConfigClient({ config, source: new ManualSource(ruleset()) });
    expect(client.flag('newCheckout')).toBe(false);
    expect(client.flagDetails('theme')).toEqual({
      value: 'light',
      source: 'default',
      errorCode: 'ERR_NOT_READY',
    });
    expect(client.public('maxRetries')).toBe(3);
    expect(client.limit('cartItems')).toBe(20);
    expect(() => client.secret('databaseUrl')).toThrow(expect.objectContaining({ code: 'ERR_NOT_READY' }));
  });
});

describe('values that the schema rejects', () => {
  it('are never served, and health() says where they are', async () => {
    const { client } = await readyClient(
      ruleset({
        flags: {
          theme: {
            $cohort: {
              rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: 'pink' }],
              defaultValue: 'dark',
            },
          },
          newCheckout: 'yes',
        },
      }),
    );
    expect(client.flagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    });
    expect(client.flagDetails('newCheckout')).toEqual({
      value: false,
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    });
    const invalid = client.health().invalidKeys;
    expect(invalid.map(({ key }) => key).sort()).toEqual(['newCheckout', 'theme']);
    expect(invalid.find(({ key }) => key === 'theme')?.message).toContain('rules[0].value');
  });

  it('are replaced by the last valid value', async () => {
    const { client, sink, events } = await readyClient();
    sink.patch({ revision: '2', changes: [{ tier: 'secret', key: 'databaseUrl', value: 'not a url' }] });
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.health().invalidKeys).toMatchObject([{ key: 'databaseUrl', code: 'ERR_VALUE_INVALID' }]);
    expect(JSON.stringify(events)).not.toContain('not a url');
    sink.patch({
      revision: '3',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'https://new.example' }],
    });
    expect(client.secret('databaseUrl')).toBe('https://new.example');
    expect(client.health().invalidKeys).toEqual([]);
  });

  it('make ready() reject, naming every invalid key and showing no secret', async () => {
    const source = new ManualSource(ruleset({ public: {}, secret: { databaseUrl: 'hunter2 is not a url' } }));
    const error: ValuesInvalidError = await createConfigClient({ config, source })
      .ready()
      .then(
        () => expect.unreachable(),
        (reason) => reason,
      );
    expect(isConfigError(error, 'ERR_VALUES_INVALID')).toBe(true);
    expect(error.keys.map(({ key, code }) => [key, code])).toEqual([
      ['apiBaseUrl', 'ERR_VALUE_MISSING'],
      ['databaseUrl', 'ERR_VALUE_INVALID'],
    ]);
    expect(error.message).toContain('public.apiBaseUrl');
    expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain('hunter2');
    expect(source.stops).toBe(1);
  });
});

describe('changes', () => {
  it('are applied as a whole before listeners are called, once, with the changed keys', async () => {
    const { client, sink } = await readyClient();
    const seen: unknown[] = [];
    const unsubscribe = client.subscribe(({ revision, keys }) =>
      seen.push({ revision, keys, both: [client.flag('newCheckout'), client.flag('theme')] }),
    );
    sink.patch({
      revision: '2',
      changes: [
        { tier: 'feature_flag', key: 'newCheckout', value: true },
        { tier: 'feature_flag', key: 'theme', value: 'dark' },
        { tier: 'public', key: 'apiBaseUrl', value: 'https://api.example.com' },
      ],
    });
    expect(seen).toEqual([{ revision: '2', keys: ['newCheckout', 'theme'], both: [true, 'dark'] }]);
    unsubscribe();
    sink.patch({ revision: '3', changes: [{ tier: 'feature_flag', key: 'newCheckout', deleted: true }] });
    expect(client.flag('newCheckout')).toBe(false);
    expect(seen).toHaveLength(1);
  });

  it('are ignored if they are older, repeated or of undeclared keys', async () => {
    const { client, sink } = await readyClient(ruleset({ revision: '10' }));
    const listener = vi.fn();
    client.subscribe(listener);
    sink.patch({ revision: '9', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    sink.patch({ revision: '10', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    sink.replace(ruleset({ revision: '2', flags: { newCheckout: true } }));
    sink.patch({ revision: '11', changes: [{ tier: 'feature_flag', key: 'somethingElse', value: true }] });
    expect(client.flag('newCheckout')).toBe(false);
    expect(listener).not.toHaveBeenCalled();
    expect(client.health().revision).toBe('11');
  });

  it('reach every listener even if one throws', async () => {
    const { client, sink, events } = await readyClient();
    const listener = vi.fn();
    client.subscribe(() => {
      throw new Error('a listener failed');
    });
    client.subscribe(listener);
    sink.patch({ revision: '2', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    expect(listener).toHaveBeenCalledOnce();
    expect(events.map(({ type }) => type)).toContain('listener-error');
  });

  it('keep the identity of a flag that did not change', async () => {
    const { client, sink } = await readyClient(ruleset({ flags: { layout: { columns: 4 } } }));
    const before = client.flag('layout');
    sink.replace(ruleset({ revision: '2', flags: { layout: { columns: 4 }, newCheckout: true } }));
    expect(client.flag('layout')).toBe(before);
  });
});

describe('snapshot()', () => {
  it('returns public values, flags and limits, and no secret', async () => {
    const { client } = await readyClient(ruleset({ flags: { newCheckout: true } }));
    const snapshot = client.snapshot({ userId: 'u-1' });
    expect(snapshot).toEqual({
      revision: '1',
      public: { apiBaseUrl: 'https://api.example.com', maxRetries: 3 },
      flags: {
        newCheckout: { value: true, source: 'raw' },
        theme: { value: 'light', source: 'default' },
        layout: { value: { columns: 3 }, source: 'default' },
      },
      limits: { cartItems: { value: 20, source: 'default' } },
    });
  });
});

describe('ready()', () => {
  it('shares one start between concurrent calls, and starts again after a failure', async () => {
    let starts = 0;
    const source: RulesetSource = {
      start: (sink) => {
        starts += 1;
        if (starts === 1) return Promise.reject(new Error('no luck'));
        sink.replace(ruleset());
        return Promise.resolve();
      },
      stop: () => undefined,
    };
    const client = createConfigClient({ config, source });
    const attempts = await Promise.allSettled([client.ready(), client.ready()]);
    expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(starts).toBe(1);
    expect(client.health().status).toBe('failed');
    expect(await client.ready()).toBe(client);
    expect(client.health().status).toBe('ready');
  });

  it('rejects after the timeout, with the last failure in the message', async () => {
    const source: RulesetSource = {
      start: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('still refused')));
        }),
      stop: () => undefined,
    };
    const client = createConfigClient({ config, source });
    await expect(client.ready({ timeoutMs: 5 })).rejects.toMatchObject({
      code: 'ERR_READY_TIMEOUT',
      message: expect.stringContaining('still refused'),
    });
  });

  it('lists all missing settings', async () => {
    vi.stubEnv('SMOOAI_CONFIG_API_URL', '');
    vi.stubEnv('SMOOAI_CONFIG_CLIENT_ID', '  ');
    const client = createConfigClient({ config });
    await expect(client.ready()).rejects.toMatchObject({
      code: 'ERR_SETTINGS_MISSING',
      missing: [
        'SMOOAI_CONFIG_API_URL',
        'SMOOAI_CONFIG_CLIENT_ID',
        'SMOOAI_CONFIG_CLIENT_SECRET',
        'SMOOAI_CONFIG_ORG_ID',
      ],
    });
  });
});

describe('a client', () => {
  it('is stale while it is disconnected, and keeps serving', async () => {
    const { client, sink } = await readyClient(ruleset({ flags: { newCheckout: true } }));
    sink.status('disconnected', new Error('gone'));
    expect(client.health()).toMatchObject({ status: 'stale', transport: 'none' });
    expect(client.flag('newCheckout')).toBe(true);
    sink.status('stream');
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'stream' });
  });

  it('ignores changes after close(), and can still be read', async () => {
    const { client, source, sink } = await readyClient();
    await client.close();
    sink.patch({ revision: '2', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    expect(client.flag('newCheckout')).toBe(false);
    expect(client.health().status).toBe('closed');
    expect(source.stops).toBe(1);
    await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
  });

  it('ignores whatever its source sends after close()', async () => {
    const source = new ManualSource('nothing');
    const events: ConfigClientEvent[] = [];
    const client = createConfigClient({ config, source, onEvent: (event) => events.push(event) });
    const starting = client.ready().catch((error: unknown) => error);
    await expect.poll(() => source.sink).toBeDefined();
    await client.close();
    expect(await starting).toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
    const count = events.length;
    const { sink } = source;
    sink?.replace(ruleset());
    sink?.confirm();
    sink?.status('stream', new Error('too late'));
    expect(client.health()).toMatchObject({
      status: 'closed',
      revision: undefined,
      ageMs: undefined,
      transport: 'none',
      stream: 'closed',
    });
    expect(events).toHaveLength(count);
  });

  it('shows no secret when it is inspected or serialized', async () => {
    const { client, events } = await readyClient();
    const shown = [
      inspect(client, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
      JSON.stringify(client),
      JSON.stringify(client.health()),
      JSON.stringify(events),
    ].join('\n');
    expect(shown).not.toContain('hunter2');
  });
});
