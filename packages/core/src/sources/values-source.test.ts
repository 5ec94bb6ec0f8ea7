import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigApi } from '../api/config-api.ts';
import { type ConfigChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { RemoteSource, type RemoteSourceOptions } from './remote-source.ts';
import type { RulesetSink, SourceStatus } from './ruleset-source.ts';

const soon = { timeout: 15_000, interval: 5 };
const config = defineConfig({
  public: { apiBaseUrl: z.string().default('https://shop.example') },
  secrets: { paymentKey: z.string().default('none') },
  flags: { newCheckout: z.boolean().default(false), constructor: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

type Answer = (response: ServerResponse) => void;

const notFound: Answer = (response) => sendJson(response, 404, { message: 'There is no such thing.' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function ruleset(part: Partial<Ruleset>): Ruleset {
  const empty = { public: {}, secret: {}, flags: {}, limits: {}, segments: {} };
  return { revision: '7', environment: 'development', ...empty, ...part };
}

/** A platform with `/values` and `/environments`, whose other answers can be swapped. */
async function startPlatform(first: Record<string, JsonValue> = {}) {
  const platform = {
    values: first,
    broken: undefined as Answer | undefined,
    ruleset: notFound,
    stream: notFound,
    environments: ((response) => sendJson(response, 200, [{ name: 'development' }])) as Answer,
  };
  const server = await startLoopbackServer(({ url }, response) => {
    const path = url.split('?')[0] ?? '';
    if (path.endsWith('/stream')) return platform.stream(response);
    if (path.endsWith('/ruleset')) return platform.ruleset(response);
    if (path.endsWith('/environments')) return platform.environments(response);
    if (platform.broken !== undefined) return platform.broken(response);
    if (!url.includes('environment=development')) return notFound(response);
    sendJson(response, 200, { values: platform.values });
  });
  ends.push(() => server.close());
  const asked = (part: string): number => server.seen.filter(({ url }) => url.includes(part)).length;
  return { platform, asked, url: server.url };
}

/** A store that a source of that platform fills. */
function connect(url: string, options: Partial<RemoteSourceOptions> = {}, store = new RulesetStore(config)) {
  const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
  const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider, timeoutMs: 300 });
  const statuses: SourceStatus[] = [];
  const changes: ConfigChange[] = [];
  const seen = { confirmed: 0, replaced: 0 };
  const sink: RulesetSink = {
    get revision() {
      return store.ruleset?.revision;
    },
    get epoch() {
      return store.ruleset?.epoch;
    },
    replace: (whole) => {
      seen.replaced += 1;
      const change = store.replace(whole);
      if (change !== undefined) changes.push(change);
    },
    patch: (patch) => void store.patch(patch),
    confirm: () => {
      seen.confirmed += 1;
    },
    status: (status) => statuses.push(status),
  };
  const times = { pollIntervalMs: 20, openTimeoutMs: 300, heartbeatTimeoutMs: 300, reconnectCapMs: 60 };
  const source = new RemoteSource({ api, config, environment: 'development', ...times, ...options });
  const giveUp = new AbortController();
  ends.push(
    () => source.stop(),
    () => giveUp.abort(),
  );
  const read = (key: string, context = {}): unknown => store.get(key)?.value(context);
  return {
    source,
    store,
    sink,
    statuses,
    changes,
    seen,
    read,
    start: () => source.start(sink, giveUp.signal),
  };
}

describe('a platform with the published contract only', () => {
  it('is found out by one 404, and its values are read by tier', async () => {
    const { url, asked } = await startPlatform({
      apiBaseUrl: 'https://api.example',
      paymentKey: 'a-payment-key',
      newCheckout: true,
      constructor: true,
      cartItems: 250,
      declaredNowhere: 'x',
    });
    const { start, store, read, statuses } = connect(url);
    await start();
    expect(statuses).toEqual(['connecting', 'polling']);
    expect(store.lastGood()).toEqual({
      revision: expect.stringMatching(/^\d+$/),
      epoch: expect.stringMatching(/^values-/),
      environment: 'development',
      public: { apiBaseUrl: 'https://api.example' },
      secret: { paymentKey: 'a-payment-key' },
      flags: { newCheckout: true, constructor: true },
      limits: { cartItems: 250 },
      segments: {},
    });
    expect(read('cartItems')).toBe(100);
    expect([asked('/ruleset'), asked('/stream'), asked('/environments')]).toEqual([1, 0, 0]);
  });

  it('has its defaults where it gives nothing, whatever its values inherit', async () => {
    const { url } = await startPlatform();
    const { start, store, read } = connect(url);
    await start();
    expect([read('constructor'), read('newCheckout'), read('cartItems')]).toEqual([false, false, 20]);
    expect(store.invalidKeys()).toEqual([]);
  });

  it('may give rules, which are evaluated here', async () => {
    const rule = { id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true };
    const { url } = await startPlatform({ newCheckout: { $cohort: { rules: [rule], defaultValue: false } } });
    const { start, read } = connect(url);
    await start();
    expect([read('newCheckout'), read('newCheckout', { country: 'NL' })]).toEqual([false, true]);
  });

  it('is polled: a change is one change, and the same values again only confirm', async () => {
    const { url, platform, asked } = await startPlatform({ newCheckout: false, cartItems: 5 });
    const { start, store, changes, seen, read } = connect(url);
    await start();
    const first = BigInt(store.ruleset?.revision ?? '');
    await vi.waitFor(() => expect(seen.confirmed).toBeGreaterThan(3), soon);
    expect([seen.replaced, changes.length]).toEqual([1, 1]);
    platform.values = { cartItems: 5, newCheckout: true, declaredNowhere: 1 };
    await vi.waitFor(() => expect(read('newCheckout')).toBe(true), soon);
    const confirmed = seen.confirmed;
    await vi.waitFor(() => expect(seen.confirmed).toBeGreaterThan(confirmed + 2), soon);
    expect(seen.replaced).toBe(2);
    expect(changes[1]).toEqual({ revision: store.ruleset?.revision, keys: ['newCheckout'] });
    expect(BigInt(store.ruleset?.revision ?? '')).toBeGreaterThan(first);
    platform.values = { newCheckout: true };
    await vi.waitFor(() => expect(read('cartItems')).toBe(20), soon);
    expect([asked('/ruleset'), asked('/stream')]).toEqual([1, 0]);
  });

  const faults: [name: string, answer: Answer][] = [
    ['500', (response) => sendJson(response, 500, { message: 'no' })],
    ['404', notFound],
    ['a page', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['values that are a list', (response) => sendJson(response, 200, { values: [] })],
    ['a reset', (response) => void response.destroy()],
    ['silence', () => undefined],
  ];

  it.each(faults)('is left and found again over %s, and nothing is lost', async (_, fault) => {
    const { url, platform } = await startPlatform({ newCheckout: true });
    const { start, statuses, seen, read } = connect(url);
    await start();
    platform.broken = fault;
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('disconnected'), soon);
    const { confirmed } = seen;
    platform.values = { newCheckout: true, cartItems: 7 };
    expect(read('newCheckout')).toBe(true);
    platform.broken = undefined;
    await vi.waitFor(() => expect([statuses.at(-1), read('cartItems')]).toEqual(['polling', 7]), soon);
    expect(seen.confirmed).toBeGreaterThan(confirmed);
  });

  it.each(faults.filter(([name]) => name !== '404'))('is waited for at start over %s', async (_, fault) => {
    const { url, platform, asked } = await startPlatform({ newCheckout: true });
    const { start, read } = connect(url);
    platform.broken = fault;
    const started = start();
    await vi.waitFor(() => expect(asked('/values')).toBeGreaterThan(1), soon);
    platform.broken = undefined;
    await started;
    expect(read('newCheckout')).toBe(true);
  });

  it('is not asked before it wants to be', async () => {
    const { url, platform, asked } = await startPlatform();
    const { start, statuses } = connect(url);
    await start();
    platform.broken = (response) => sendJson(response, 429, { message: 'slow' }, { 'retry-after': '60' });
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('disconnected'), soon);
    const before = asked('/values');
    await pause(200);
    expect(asked('/values')).toBe(before);
  });

  it('is left in peace after stop', async () => {
    const { url, asked } = await startPlatform();
    const { start, source, seen } = connect(url);
    await start();
    await vi.waitFor(() => expect(seen.confirmed).toBeGreaterThan(1), soon);
    source.stop();
    // One question may have been on its way.
    await pause(50);
    const [before, { confirmed }] = [asked('/values'), seen];
    await pause(100);
    expect([asked('/values'), seen.confirmed]).toEqual([before, confirmed]);
  });

  it('says which environments there are where it has not the one that is asked for', async () => {
    const { url, platform } = await startPlatform();
    const { start } = connect(url, { environment: 'nowhere' });
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/no environment "nowhere".*one of: development/),
    });
    platform.environments = (response) => sendJson(response, 403, { message: 'not you' });
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/config\/values .*404/),
    });
  });

  it('is none where values are missing too', async () => {
    const { url, platform } = await startPlatform();
    platform.broken = notFound;
    await expect(connect(url).start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      message: expect.stringContaining('neither a /ruleset nor a /values endpoint'),
    });
  });
});

describe('a platform that gains rulesets', () => {
  const openStream: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': here\n\n');
  };

  it.each([{ epoch: 'one' }, {}])('is followed by its stream from then on: %o', async (position) => {
    const { url, platform, asked } = await startPlatform({ newCheckout: true });
    const { start, store, statuses, read } = connect(url, { detectIntervalMs: 60 });
    await start();
    await vi.waitFor(() => expect(asked('/ruleset')).toBeGreaterThan(2), soon);
    platform.stream = openStream;
    platform.ruleset = (response) =>
      sendJson(response, 200, ruleset({ ...position, limits: { cartItems: 9 } }));
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('stream'), soon);
    expect([store.ruleset?.revision, read('cartItems'), read('newCheckout')]).toEqual(['7', 9, false]);
    const before = asked('/values');
    await pause(100);
    expect(asked('/values')).toBe(before);
  });

  it('is asked at a slow pace', async () => {
    const { url, asked } = await startPlatform();
    await connect(url, { pollIntervalMs: 5, detectIntervalMs: 10_000 }).start();
    await vi.waitFor(() => expect(asked('/values')).toBeGreaterThan(10), soon);
    expect(asked('/ruleset')).toBe(1);
  });

  it('goes on being polled while its ruleset is one that was left, or broken', async () => {
    const { url, platform, asked } = await startPlatform({ newCheckout: true });
    const whole: Answer = (response) => sendJson(response, 200, ruleset({ epoch: 'one' }));
    platform.ruleset = whole;
    const before = connect(url);
    await before.start();
    before.source.stop();
    platform.ruleset = notFound;
    const { start, statuses, read } = connect(url, { detectIntervalMs: 10 }, before.store);
    await start();
    for (const answer of [whole, (response) => sendJson(response, 500, {})] satisfies Answer[]) {
      platform.ruleset = answer;
      const rulesets = asked('/ruleset');
      await vi.waitFor(() => expect(asked('/ruleset')).toBeGreaterThan(rulesets + 1), soon);
      expect([statuses.at(-1), read('newCheckout')]).toEqual(['polling', true]);
    }
  });

  it('is told from values that were in hand before, though it names no epoch', async () => {
    const { url, platform } = await startPlatform({ newCheckout: true });
    const before = connect(url);
    await before.start();
    before.source.stop();
    platform.ruleset = (response) => sendJson(response, 200, ruleset({ limits: { cartItems: 3 } }));
    const { start, read } = connect(url, {}, before.store);
    await start();
    expect([read('cartItems'), read('newCheckout')]).toEqual([3, false]);
  });
});

describe('a server whose rulesets go away', () => {
  it('is disconnected, and not taken for one that confirms', async () => {
    const { url, platform } = await startPlatform();
    platform.ruleset = (response) => sendJson(response, 200, ruleset({ epoch: 'one' }));
    const { start, statuses, seen } = connect(url);
    await start();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
    platform.ruleset = notFound;
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('disconnected'), soon);
    const { confirmed } = seen;
    await pause(100);
    expect([statuses.at(-1), seen.confirmed]).toEqual(['disconnected', confirmed]);
  });
});
