import { inspect } from 'node:util';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { z } from 'zod';
import { type ConfigErrorCode, EvaluateFailedError, isConfigError } from '../errors.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import {
  ACCESS_TOKEN,
  closeAfterEach,
  completeRuleset,
  EMAIL,
  gate,
  json,
  makeClient,
  type Respond,
  rejection,
  settings,
  soon,
} from '../test-support/evaluation-fixture.ts';
import { everythingOf, leaksOf } from '../test-support/leak-search.ts';
import { createLenientClient } from '../test-support/lenient-client.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  secrets: { paymentKey: z.string().default('none') },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    since: z.string().transform((text) => new Date(text)),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
});

closeAfterEach();
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('evaluation on the server', () => {
  it('sends a POST for a flag, and parses the result by the schema', async () => {
    const { client, server } = makeClient(config, () =>
      json({ value: 'dark', source: 'rule', matchedRuleId: 'nl', rolloutBucket: null, more: 1 }),
    );
    const theme = await client.evaluateFlag('theme', { country: 'NL' });
    expectTypeOf(theme).toEqualTypeOf<'light' | 'dark'>();
    expect(theme).toBe('dark');
    expect(await client.evaluateFlagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'rule',
      matchedRuleId: 'nl',
    });
    expect(server.paths[0]).toBe('/organizations/o/config/feature-flags/theme/evaluate');
    expect(server.bodies[0]).toEqual({ environment: 'development', context: { country: 'NL' } });
    server.respond = () => json({ value: '2026-01-02T00:00:00Z', source: 'raw' });
    const since = await client.evaluateFlag('since');
    expectTypeOf(since).toEqualTypeOf<Date>();
    expect(since).toEqual(new Date('2026-01-02T00:00:00Z'));
    expect(server.bodies[2]).toEqual({ environment: 'development', context: {} });
  });

  it('snaps and clamps a limit', async () => {
    const { client, server } = makeClient(config, () =>
      json({ value: 12, source: 'rollout', rolloutBucket: 40 }),
    );
    expect(await client.evaluateLimitDetails('cartItems', { tenantId: 't' })).toEqual({
      value: 10,
      source: 'rollout',
      rolloutBucket: 40,
    });
    expect(server.paths).toEqual(['/organizations/o/config/limits/cartItems/evaluate']);
    server.respond = () => json({ value: 900, source: 'raw' });
    const max = await client.evaluateLimit('cartItems');
    expectTypeOf(max).toBeNumber();
    expect(max).toBe(100);
  });

  it("does not affect the client's own ruleset", async () => {
    const { client, server } = makeClient(config, () => json({ value: 'dark', source: 'raw' }));
    server.ruleset = completeRuleset({ flags: { theme: 'light' } });
    await client.ready();
    expect([await client.evaluateFlag('theme'), client.flag('theme')]).toEqual(['dark', 'light']);
  });

  it('rejects keys of another tier and an invalid timeout before it sends anything', async () => {
    const { client, server } = makeClient(config, () => json({ value: true, source: 'raw' }));
    // @ts-expect-error a limit is not a flag
    await expect(client.evaluateFlag('cartItems')).rejects.toMatchObject({ code: 'ERR_KEY_UNKNOWN' });
    // @ts-expect-error a secret is not a flag
    await expect(client.evaluateFlag('paymentKey')).rejects.toMatchObject({ code: 'ERR_KEY_UNKNOWN' });
    // @ts-expect-error a flag is not a limit
    await expect(client.evaluateLimit('theme')).rejects.toMatchObject({ code: 'ERR_KEY_UNKNOWN' });
    await expect(client.evaluateFlag('theme', {}, { timeoutMs: 0 })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      option: 'timeoutMs',
    });
    expect(server.paths).toEqual([]);
  });

  it('lists the missing settings', async () => {
    const { client } = makeClient(config, () => json({}), { organizationId: '', environment: '' });
    vi.stubEnv('SMOOAI_CONFIG_ORG_ID', '');
    await expect(client.evaluateFlag('theme')).rejects.toMatchObject({
      code: 'ERR_SETTINGS_MISSING',
      missing: ['SMOOAI_CONFIG_ORG_ID'],
    });
  });
});

describe('contexts that cannot be sent', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const throwing = {
    get email(): string {
      throw new Error(EMAIL);
    },
  };
  it.each<[string, unknown]>([
    ['a date', { since: new Date(), email: EMAIL }],
    ['NaN', { age: Number.NaN, email: EMAIL }],
    ['a bigint', { age: 1n, email: EMAIL }],
    ['a function', { email: () => EMAIL }],
    ['a map', new Map([['email', EMAIL]])],
    ['a cycle', cycle],
    ['a getter that throws', throwing],
    ['a hole in a list', { list: [undefined, EMAIL] }],
    ['a list', [EMAIL]],
    ['null', null],
    ['a string', EMAIL],
  ])('such as %s are rejected before anything is sent', async (_, context) => {
    const { client, server } = makeClient(config, () => json({ value: true, source: 'raw' }));
    // @ts-expect-error some of these are type errors
    const error = await rejection(client.evaluateFlag('newCheckout', context));
    expect(error).toMatchObject({ code: 'ERR_EVALUATE_CONTEXT', key: 'newCheckout', status: undefined });
    expect(leaksOf(everythingOf(error), [EMAIL])).toEqual([]);
    expect(server.paths).toEqual([]);
  });

  it('are reported with the name of the attribute', async () => {
    const { client } = makeClient(config, () => json({}));
    const error = await rejection(client.evaluateFlag('newCheckout', { plan: 'pro', since: new Date(0) }));
    expect(String(error)).toMatch(/attribute "since" is not plain JSON.*ISO string/);
  });
});

describe('a failed evaluation', () => {
  const echo = { message: `${EMAIL} ${ACCESS_TOKEN}`, cause: EMAIL };
  const cases: [name: string, code: ConfigErrorCode, respond: Respond, fields: object][] = [
    ['404', 'ERR_EVALUATE_NOT_FOUND', () => json(echo, 404), {}],
    ['400', 'ERR_EVALUATE_CONTEXT', () => json(echo, 400), { status: 400 }],
    ['413', 'ERR_EVALUATE_CONTEXT', () => json(echo, 413), { status: 413 }],
    ['422', 'ERR_EVALUATE_CONTEXT', () => json(echo, 422), { status: 422 }],
    ['401 twice', 'ERR_EVALUATE_FAILED', () => json(echo, 401), { reason: 'rejected', status: 401 }],
    ['403', 'ERR_EVALUATE_FAILED', () => json(echo, 403), { reason: 'rejected', status: 403 }],
    [
      '429',
      'ERR_EVALUATE_FAILED',
      () => json(echo, 429, { 'retry-after': '7' }),
      { reason: 'rejected', status: 429, retryAfterMs: 7_000 },
    ],
    ['500', 'ERR_EVALUATE_FAILED', () => json(echo, 500), { reason: 'rejected', status: 500 }],
    [
      'a network error that repeats the request',
      'ERR_EVALUATE_FAILED',
      (body) => {
        const cause = Object.assign(new Error(JSON.stringify(body)), { code: 'ECONNRESET', body });
        return Promise.reject(new TypeError(JSON.stringify(body), { cause }));
      },
      { reason: 'reset', message: expect.stringContaining('ECONNRESET') },
    ],
    ['a page', 'ERR_EVALUATE_FAILED', () => new Response(`<html>${EMAIL}`), { reason: 'malformed' }],
    ['no value', 'ERR_EVALUATE_FAILED', () => json({ source: 'raw' }), { reason: 'malformed' }],
    [
      'an unknown source',
      'ERR_EVALUATE_FAILED',
      () => json({ value: true, source: EMAIL }),
      { reason: 'malformed' },
    ],
    [
      'a value that the schema rejects',
      'ERR_EVALUATE_FAILED',
      () => json({ value: EMAIL, source: 'raw' }),
      { reason: 'invalid' },
    ],
  ];

  it.each(cases)(
    'by %s is %s, without the context, the value or a token',
    async (_, code, respond, fields) => {
      const { client } = makeClient(config, respond);
      const error = await rejection(client.evaluateFlag('newCheckout', { email: EMAIL }));
      expect(error).toMatchObject({ code, key: 'newCheckout', ...fields });
      expect(isConfigError(error, code)).toBe(true);
      expect(String(error)).toContain('newCheckout');
      expect(leaksOf(everythingOf(error), [EMAIL, ACCESS_TOKEN, settings.clientSecret])).toEqual([]);
    },
  );

  it('is malformed if a limit is not a number', async () => {
    const { client } = makeClient(config, () => json({ value: 'many', source: 'raw' }));
    await expect(client.evaluateLimit('cartItems')).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FAILED',
      reason: 'malformed',
    });
  });

  it('has a rejected token as its cause', async () => {
    const fetch: typeof globalThis.fetch = async () => json({ error: 'invalid_client' }, 401);
    const { client } = makeClient(config, () => json({}), { fetch });
    await expect(client.evaluateFlag('theme')).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FAILED',
      reason: 'token',
      cause: expect.objectContaining({ code: 'ERR_TOKEN_REJECTED' }),
    });
  });

  it('is not cached', async () => {
    const { client, server } = makeClient(config, () => json({}, 500), {
      evaluationCache: { maxEntries: 9, ttlMs: 60_000 },
    });
    await rejection(client.evaluateFlag('theme'));
    server.respond = () => json({ value: 'dark', source: 'raw' });
    expect(await client.evaluateFlag('theme')).toBe('dark');
  });
});

describe('concurrent calls for the same key and context', () => {
  it('share one request, whatever the order of the attributes', async () => {
    const { isOpen, open } = gate();
    const { client, server } = makeClient(config, async ({ context }) => {
      await isOpen;
      return json({ value: context.country === 'NL', source: 'raw' });
    });
    const context: Record<string, unknown> = { country: 'NL', more: { a: [1], b: null }, gone: undefined };
    const results = [
      client.evaluateFlag('newCheckout', context),
      client.evaluateFlag('newCheckout', { more: { b: null, a: [1] }, country: 'NL' }),
      client.evaluateFlagDetails('newCheckout', context),
      client.evaluateFlag('newCheckout', { country: 'BE' }),
    ];
    // The context counts as it was when the call was made.
    context.country = 'BE';
    await vi.waitFor(() => expect(server.paths.length).toBe(2), soon);
    open();
    expect(await Promise.all(results)).toEqual([true, true, { value: true, source: 'raw' }, false]);
    expect(server.paths.length).toBe(2);
    expect(await client.evaluateFlag('newCheckout', { country: 'BE' })).toBe(false);
    expect(server.paths.length).toBe(3);
  });

  it('can each be aborted or time out without affecting the others', async () => {
    const { isOpen, open } = gate();
    const { client, server } = makeClient(config, async () => {
      await isOpen;
      return json({ value: true, source: 'raw' });
    });
    const impatient = new AbortController();
    const first = client.evaluateFlag('newCheckout', {}, { signal: impatient.signal });
    const second = rejection(client.evaluateFlag('newCheckout', {}, { timeoutMs: 30 }));
    const patient = client.evaluateFlag('newCheckout');
    await vi.waitFor(() => expect(server.paths.length).toBe(1), soon);
    impatient.abort(new Error(EMAIL));
    const aborted = await rejection(first);
    expect(aborted).toMatchObject({ code: 'ERR_EVALUATE_FAILED', reason: 'aborted' });
    expect(inspect(aborted, { depth: 9 })).not.toContain(EMAIL);
    expect(await second).toMatchObject({ code: 'ERR_EVALUATE_FAILED', reason: 'timeout' });
    expect(server.aborted).toBe(0);
    open();
    expect(await patient).toBe(true);
    expect(server.paths.length).toBe(1);
  });

  it('abort the request when the last one is gone, and a later call sends a new one', async () => {
    const { client, server } = makeClient(config, () => new Promise(() => undefined));
    await expect(client.evaluateFlag('newCheckout', {}, { timeoutMs: 20 })).rejects.toThrow(/within 20 ms/);
    server.respond = () => json({ value: true, source: 'raw' });
    expect(await client.evaluateFlag('newCheckout')).toBe(true);
    expect(server.aborted).toBe(1);
  });

  it('send nothing if the signal is already aborted', async () => {
    const { client, server } = makeClient(config, () => json({ value: true, source: 'raw' }));
    const signal = AbortSignal.abort();
    const error = await rejection(client.evaluateFlag('newCheckout', {}, { signal }));
    expect(error).toBeInstanceOf(EvaluateFailedError);
    expect(error).toMatchObject({ reason: 'aborted' });
    expect(server.paths).toEqual([]);
  });

  it('reject when the client is closed', async () => {
    const { client, server } = makeClient(config, () => new Promise(() => undefined));
    const waiting = rejection(client.evaluateFlag('newCheckout'));
    await vi.waitFor(() => expect(server.paths.length).toBe(1), soon);
    await client.close();
    expect(await waiting).toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
    expect(server.aborted).toBe(1);
    await expect(client.evaluateFlag('newCheckout')).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
  });
});

describe('a client without a server', () => {
  it('evaluates locally', async () => {
    const rule = { id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true };
    const client = createLenientClient({
      config,
      flags: {
        newCheckout: { $cohort: { rules: [rule as never], defaultValue: false } },
        since: '2026-01-01T00:00:00Z',
      },
      limits: { cartItems: 400 },
    });
    expect(await client.evaluateFlag('newCheckout', { country: 'NL' })).toBe(true);
    expect(await client.evaluateFlagDetails('newCheckout')).toEqual({ value: false, source: 'default' });
    expect(await client.evaluateLimit('cartItems')).toBe(100);
    expect(await client.evaluateFlag('theme')).toBe('light');
    client.set({ flags: { newCheckout: true } });
    expect(await client.evaluateFlag('newCheckout')).toBe(true);
    // @ts-expect-error a limit is not a flag
    await expect(client.evaluateFlag('cartItems')).rejects.toMatchObject({ code: 'ERR_KEY_UNKNOWN' });
    await expect(client.evaluateFlag('newCheckout', { at: new Date() })).rejects.toMatchObject({
      code: 'ERR_EVALUATE_CONTEXT',
    });
    await client.close();
    await expect(client.evaluateFlag('newCheckout')).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
  });

  it('rejects with the same errors', async () => {
    const source = {
      start: async () => undefined,
      stop: () => undefined,
    };
    const starting = createConfigClient({ config, source });
    await expect(starting.evaluateFlag('newCheckout')).rejects.toMatchObject({ code: 'ERR_NOT_READY' });
    const client = createLenientClient({ config, flags: { newCheckout: 'yes' as never } });
    await expect(client.evaluateFlag('newCheckout')).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FAILED',
      reason: 'invalid',
    });
    await expect(client.evaluateFlag('since')).rejects.toMatchObject({ code: 'ERR_EVALUATE_NOT_FOUND' });
  });
});
