import { defineConfig, defineLimit, toJsonSchema } from '@smooai/config';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { runScript } from './child-script.ts';
import { type ClientBench, startClientBench } from './client-bench.ts';
import { settingsVariables } from './settings-variables.ts';

// The platform is the real server behind a proxy that hides everything outside the published contract.

const config = defineConfig({
  secrets: { paymentKey: z.string().min(1) },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    onlyHere: z.boolean().default(false),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

const soon = { timeout: 60_000, interval: 20 };
const dutch = { attribute: 'country', op: 'in', values: ['NL'] };

let bench: ClientBench<typeof config>;

beforeEach(async () => {
  const jsonSchema = toJsonSchema(config);
  delete jsonSchema.properties.featureFlagSchema.properties.onlyHere;
  bench = await startClientBench(config, jsonSchema);
  bench.proxy.hasContractOnly = true;
  await bench.set('secret', 'paymentKey', 'first-payment-key');
  const rule = { id: 'dutch', when: dutch, value: 'dark' };
  await bench.set('feature_flag', 'theme', { $cohort: { rules: [rule], defaultValue: 'light' } });
  await bench.set('limit', 'cartItems', {
    $cohort: { rules: [{ id: 'dutch', when: dutch, value: 70 }], defaultValue: 7 },
  });
});

afterEach(() => bench.close());

const makeClient: ClientBench<typeof config>['makeClient'] = (options) =>
  bench.makeClient({ ...bench.throughProxy, pollIntervalMs: 50, ...options });

/** Counts the requests whose path ends like this. */
const requestsTo = (end: string): number => bench.proxy.seen.filter((line) => line.endsWith(end)).length;

describe('a platform that only has the published contract', () => {
  it('starts a client, which follows its values by polling', async () => {
    const { proxy, set } = bench;
    const client = await makeClient().ready();
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'polling', invalidKeys: [] });
    expect(client.secret('paymentKey')).toBe('first-payment-key');
    expect([client.flag('theme', { country: 'NL' }), client.limit('cartItems')]).toEqual(['light', 7]);
    const changes: (readonly string[])[] = [];
    client.subscribe(({ keys }) => changes.push(keys));
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    const polls = requestsTo('/values');
    await vi.waitFor(() => expect(requestsTo('/values')).toBeGreaterThan(polls + 2), soon);
    await set('secret', 'paymentKey', 'second-payment-key');
    await vi.waitFor(() => expect(client.secret('paymentKey')).toBe('second-payment-key'), soon);
    expect(changes).toEqual([['newCheckout'], ['paymentKey']]);
    expect([requestsTo('/ruleset'), requestsTo('/stream')]).toEqual([1, 0]);
    proxy.cut();
    await vi.waitFor(
      () => expect(client.health()).toMatchObject({ status: 'ready', transport: 'polling' }),
      soon,
    );
  });

  it('evaluates for the client, which has no rules', async () => {
    const client = await makeClient().ready();
    expect(await client.evaluateFlagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'rule',
      matchedRuleId: 'dutch',
    });
    expect(await client.evaluateFlag('theme', { country: 'BE' })).toBe('light');
    expect(await client.evaluateLimit('cartItems', { country: 'NL' })).toBe(70);
    expect(await client.evaluateFlag('newCheckout')).toBe(false);
  });

  it('reports what it cannot evaluate, without a value of the context', async () => {
    const { proxy } = bench;
    const client = await makeClient().ready();
    await expect(client.evaluateFlag('onlyHere')).rejects.toMatchObject({ code: 'ERR_EVALUATE_NOT_FOUND' });
    const wide = { text: 'jane'.repeat(100_000) };
    let deep: Record<string, unknown> = { text: 'jane' };
    for (let depth = 0; depth < 90; depth += 1) deep = { deep };
    for (const context of [deep, wide]) {
      const error: unknown = await client.evaluateFlag('theme', context).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_EVALUATE_CONTEXT', status: expect.any(Number) });
      expect(String(error)).not.toContain('jane');
    }
    const elsewhere = makeClient({ environment: 'no-such-environment' });
    await expect(elsewhere.evaluateFlag('theme')).rejects.toMatchObject({ code: 'ERR_EVALUATE_NOT_FOUND' });
    proxy.onRequest = async (path) => {
      if (path.endsWith('/evaluate')) proxy.cut();
    };
    await expect(client.evaluateFlag('theme')).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FAILED',
      reason: 'reset',
    });
  });

  it('gets one request for concurrent calls that ask the same, even if one caller aborts', async () => {
    const { proxy } = bench;
    const client = await makeClient().ready();
    let open: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    proxy.onRequest = (path) => (path.endsWith('/evaluate') ? isOpen : undefined);
    const leaving = new AbortController();
    const left = client.evaluateFlag('theme', { country: 'NL', plan: 'pro' }, { signal: leaving.signal });
    const staying = Array.from({ length: 50 }, () =>
      client.evaluateFlag('theme', { plan: 'pro', country: 'NL' }),
    );
    await vi.waitFor(() => expect(requestsTo('/evaluate')).toBe(1), soon);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ERR_EVALUATE_FAILED', reason: 'aborted' });
    open();
    expect(new Set(await Promise.all(staying))).toEqual(new Set(['dark']));
    expect(requestsTo('/evaluate')).toBe(1);
  });

  it('gets another request only after a change, or for an answer that the cache has dropped', async () => {
    const { set } = bench;
    const client = await makeClient({ evaluationCache: { maxEntries: 2, ttlMs: 600_000 } }).ready();
    const ask = (userId: string) => client.evaluateFlag('newCheckout', { userId });
    for (const userId of ['a', 'b', 'a', 'b']) expect(await ask(userId)).toBe(false);
    expect(requestsTo('/evaluate')).toBe(2);
    await ask('c');
    await ask('b');
    expect(requestsTo('/evaluate')).toBe(3);
    await ask('a');
    expect(requestsTo('/evaluate')).toBe(4);
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    expect(await ask('a')).toBe(true);
    expect(requestsTo('/evaluate')).toBe(5);
  });

  it('names its environments if the configured one does not exist', async () => {
    await expect(makeClient({ environment: 'no-such-environment' }).ready()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/environment "no-such-environment" does not exist.*development/),
    });
  });

  it('keeps no process alive', async () => {
    const env = settingsVariables(bench.credentials, bench.proxyUrl);
    expect((await runScript('short-lived-process.mjs', { env })).trim()).toBe('light');
    expect(requestsTo('/values')).toBe(1);
  });
});
