import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigApi } from '../api/config-api.ts';
import { type ClientChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { RemoteSource, type RemoteSourceOptions } from './remote-source.ts';
import type { ConnectionStatus, RulesetSink } from './ruleset-source.ts';

const soon = { timeout: 30_000, interval: 5 };
const config = defineConfig({
  public: { apiBaseUrl: z.string().default('https://shop.example') },
  secrets: { paymentKey: z.string().default('none') },
  flags: { newCheckout: z.boolean().default(false), toString: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

type Respond = (response: ServerResponse) => void;

const notFound: Respond = (response) => sendJson(response, 404, { message: 'not found' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  // Makes every wait of the backoff the shortest one.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function ruleset(part: Partial<Ruleset>): Ruleset {
  const empty = { public: {}, secret: {}, flags: {}, limits: {}, segments: {} };
  return { revision: '7', environment: 'development', ...empty, ...part };
}

/** A platform with `/values` and `/environments`, whose other responses a test can replace. */
async function startPlatform(first: Record<string, JsonValue> = {}) {
  const platform = {
    values: first,
    broken: undefined as Respond | undefined,
    ruleset: notFound,
    stream: notFound,
    environments: ((response) => sendJson(response, 200, [{ name: 'development' }])) as Respond,
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
  cleanups.push(() => server.close());
  const countRequests = (part: string): number => server.seen.filter(({ url }) => url.includes(part)).length;
  return { platform, countRequests, url: server.url };
}

/** A source of that platform, with the store that it fills. */
function connect(
  url: string,
  { timeoutMs, ...options }: Partial<RemoteSourceOptions> & { timeoutMs?: number } = {},
  store = new RulesetStore(config),
) {
  const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
  const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider, timeoutMs });
  const statuses: ConnectionStatus[] = [];
  const changes: ClientChange[] = [];
  store.subscribe(({ revision, keys }) => changes.push({ revision, keys }));
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
      store.replace(whole);
    },
    patch: (patch) => store.patch(patch),
    confirm: () => {
      seen.confirmed += 1;
    },
    status: (status) => statuses.push(status),
  };
  const times = { pollIntervalMs: 20, openTimeoutMs: 200, heartbeatTimeoutMs: 10_000, reconnectCapMs: 20 };
  const source = new RemoteSource({ api, config, environment: 'development', ...times, ...options });
  const starting = new AbortController();
  cleanups.push(
    () => source.stop(),
    () => starting.abort(),
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
    start: () => source.start(sink, starting.signal),
  };
}

describe('a platform with the published contract only', () => {
  it('is detected by one 404, and its values are read by tier', async () => {
    const { url, countRequests } = await startPlatform({
      apiBaseUrl: 'https://api.example',
      paymentKey: 'a-payment-key',
      newCheckout: true,
      toString: true,
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
      flags: { newCheckout: true, toString: true },
      limits: { cartItems: 250 },
      segments: {},
    });
    expect(read('cartItems')).toBe(100);
    expect([countRequests('/ruleset'), countRequests('/stream'), countRequests('/environments')]).toEqual([
      1, 0, 0,
    ]);
  });

  it('gets the defaults for missing values, even for keys named like inherited properties', async () => {
    const { url } = await startPlatform();
    const { start, store, read } = connect(url);
    await start();
    expect([read('toString'), read('newCheckout'), read('cartItems')]).toEqual([false, false, 20]);
    expect(store.invalidKeys()).toEqual([]);
  });

  it('may send rules, which the client evaluates', async () => {
    const rule = { id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true };
    const { url } = await startPlatform({ newCheckout: { $cohort: { rules: [rule], defaultValue: false } } });
    const { start, read } = connect(url);
    await start();
    expect([read('newCheckout'), read('newCheckout', { country: 'NL' })]).toEqual([false, true]);
  });

  it('is polled: changed values are one change, and the same values only confirm', async () => {
    const { url, platform, countRequests } = await startPlatform({ newCheckout: false, cartItems: 5 });
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
    expect([countRequests('/ruleset'), countRequests('/stream')]).toEqual([1, 0]);
  });

  const faults: [name: string, respond: Respond][] = [
    ['500', (response) => sendJson(response, 500, { message: 'no' })],
    ['404', notFound],
    [
      'an HTML page',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['values that are an array', (response) => sendJson(response, 200, { values: [] })],
    ['a reset', (response) => void response.destroy()],
    ['silence', () => undefined],
  ];
  /** Short only where a request must time out, because a busy machine may need a while for a response. */
  const timeOut = (fault: string): { timeoutMs?: number } => (fault === 'silence' ? { timeoutMs: 150 } : {});

  it.each(faults)('keeps its values while it responds with %s, and recovers', async (name, fault) => {
    const { url, platform } = await startPlatform({ newCheckout: true });
    const { start, statuses, seen, read } = connect(url, timeOut(name));
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

  it.each(faults.filter(([name]) => name !== '404'))(
    'is retried at the start while it responds with %s',
    async (name, fault) => {
      const { url, platform, countRequests } = await startPlatform({ newCheckout: true });
      const { start, read } = connect(url, timeOut(name));
      platform.broken = fault;
      const started = start();
      await vi.waitFor(() => expect(countRequests('/values')).toBeGreaterThan(1), soon);
      platform.broken = undefined;
      await started;
      expect(read('newCheckout')).toBe(true);
    },
  );

  it('is not polled before its Retry-After', async () => {
    const { url, platform, countRequests } = await startPlatform();
    const { start, statuses } = connect(url);
    await start();
    platform.broken = (response) => sendJson(response, 429, { message: 'slow' }, { 'retry-after': '60' });
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('disconnected'), soon);
    const before = countRequests('/values');
    await pause(100);
    expect(countRequests('/values')).toBe(before);
  });

  it('is not polled after stop()', async () => {
    const { url, countRequests } = await startPlatform();
    const { start, source, seen } = connect(url);
    await start();
    await vi.waitFor(() => expect(seen.confirmed).toBeGreaterThan(1), soon);
    source.stop();
    // A last poll may have been in flight.
    await pause(40);
    const [before, { confirmed }] = [countRequests('/values'), seen];
    await pause(100);
    expect([countRequests('/values'), seen.confirmed]).toEqual([before, confirmed]);
  });

  it('lists its environments if it does not have the requested one', async () => {
    const { url, platform } = await startPlatform();
    const { start } = connect(url, { environment: 'nowhere' });
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/environment "nowhere" does not exist.*one of: development/),
    });
    platform.environments = (response) => sendJson(response, 403, { message: 'forbidden' });
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/config\/values .*404/),
    });
  });

  it('is not assumed if /values is missing too', async () => {
    const { url, platform } = await startPlatform();
    platform.broken = notFound;
    await expect(connect(url).start()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      message: expect.stringContaining('neither a /ruleset nor a /values endpoint'),
    });
  });
});

describe('a platform that gains rulesets', () => {
  const openStream: Respond = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': here\n\n');
  };

  it.each([{ epoch: 'one' }, {}])('is followed by its stream from then on, with %o', async (position) => {
    const { url, platform, countRequests } = await startPlatform({ newCheckout: true });
    const { start, store, statuses, read } = connect(url, { detectIntervalMs: 60 });
    await start();
    await vi.waitFor(() => expect(countRequests('/ruleset')).toBeGreaterThan(2), soon);
    platform.stream = openStream;
    platform.ruleset = (response) =>
      sendJson(response, 200, ruleset({ ...position, limits: { cartItems: 9 } }));
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('stream'), soon);
    expect([store.ruleset?.revision, read('cartItems'), read('newCheckout')]).toEqual(['7', 9, false]);
    const before = countRequests('/values');
    await pause(100);
    expect(countRequests('/values')).toBe(before);
  });

  it('is checked for them rarely', async () => {
    const { url, countRequests } = await startPlatform();
    await connect(url, { pollIntervalMs: 5, detectIntervalMs: 3_600_000 }).start();
    await vi.waitFor(() => expect(countRequests('/values')).toBeGreaterThan(10), soon);
    expect(countRequests('/ruleset')).toBe(1);
  });

  it('is polled while its ruleset is of a refused epoch, or fails', async () => {
    const { url, platform, countRequests } = await startPlatform({ newCheckout: true });
    const sendRuleset: Respond = (response) => sendJson(response, 200, ruleset({ epoch: 'one' }));
    platform.ruleset = sendRuleset;
    const before = connect(url);
    await before.start();
    before.source.stop();
    platform.ruleset = notFound;
    const { start, statuses, read } = connect(url, { detectIntervalMs: 10 }, before.store);
    await start();
    for (const respond of [sendRuleset, (response) => sendJson(response, 500, {})] satisfies Respond[]) {
      platform.ruleset = respond;
      const count = countRequests('/ruleset');
      await vi.waitFor(() => expect(countRequests('/ruleset')).toBeGreaterThan(count + 1), soon);
      expect([statuses.at(-1), read('newCheckout')]).toEqual(['polling', true]);
    }
  });

  it('replaces the values that were polled before, even if it names no epoch', async () => {
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

describe('a server that stops serving rulesets', () => {
  it('is disconnected, and does not confirm the values', async () => {
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
