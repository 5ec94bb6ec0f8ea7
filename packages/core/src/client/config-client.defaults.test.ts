import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type Replies, replyingFetch } from '../test-support/replying-fetch.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { failureOf } from '../test-support/token-fixture.ts';
import type { ConfigClientOptions } from './client-options.ts';
import { type ConfigClient, createConfigClient } from './config-client.ts';

// How long a client waits, and how often it asks, with no option but the required ones.

const config = defineConfig({ flags: { newCheckout: z.boolean().default(false) } });
const MINUTE = 60_000;
const token = { access_token: 'a', token_type: 'Bearer', expires_in: 86_400 };
const ready = { '/token': token, '/ruleset': rulesetOf(), '/stream': 'streams' as const };

let client: ConfigClient<typeof config> | undefined;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  await client?.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function start(replies: Replies, options: Partial<ConfigClientOptions<typeof config>> = {}) {
  const { fetch, sent, open } = replyingFetch(replies);
  client = createConfigClient({
    config,
    apiUrl: 'https://config.example.com',
    authUrl: 'https://auth.example.com',
    clientId: 'client',
    clientSecret: 'a client secret of a test',
    organizationId: 'org-1',
    overrides: false,
    fetch,
    ...options,
  });
  return { client, open, count: (endpoint: string) => sent.filter((path) => path === endpoint).length };
}

/** Lets a time pass, and returns how many requests to an endpoint it has brought. */
async function countIn(ms: number, count: () => number): Promise<number> {
  const before = count();
  await vi.advanceTimersByTimeAsync(ms);
  return count() - before;
}

/** All waits that vary are as long as they may be. */
const drawLongest = () => vi.spyOn(Math, 'random').mockReturnValue(0.999_999);

describe('a client waits at most 10 s', () => {
  it('in ready()', async () => {
    const { client } = start({ ...ready, '/ruleset': 'hangs' });
    const failure = failureOf(client.ready());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await failure).toMatchObject({ code: 'ERR_READY_TIMEOUT' });
  });

  it('for the values, and asks again', async () => {
    const { client, count } = start({ ...ready, '/ruleset': 'hangs' });
    const failure = failureOf(client.ready({ timeoutMs: MINUTE }));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(count('/ruleset')).toBe(1);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(count('/ruleset')).toBe(2);
    await client.close();
    await failure;
  });

  it('for a stream to open', async () => {
    const { client, count } = start({ ...ready, '/stream': 'hangs' });
    await client.ready();
    expect(await countIn(9_000, () => count('/stream'))).toBe(0);
    expect(await countIn(2_000, () => count('/stream'))).toBe(1);
  });

  it('for the first event of a stream', async () => {
    const { client, count } = start({ ...ready, '/stream': 'is silent' });
    await client.ready();
    expect(await countIn(9_000, () => count('/stream'))).toBe(0);
    expect(await countIn(2_000, () => count('/stream'))).toBe(1);
  });

  it('in refresh()', async () => {
    const { client } = start(ready);
    await client.ready();
    const failure = failureOf(client.refresh({ revision: '99' }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await failure).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'timeout' });
  });

  it('in evaluateFlag()', async () => {
    const { client } = start({ ...ready, '/evaluate': 'hangs' });
    const failure = failureOf(client.evaluateFlag('newCheckout'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await failure).toMatchObject({ code: 'ERR_EVALUATE_FAILED', reason: 'timeout' });
  });
});

describe('a stream', () => {
  it('that is silent for 45 s is opened again', async () => {
    const { client, count } = start(ready);
    await client.ready();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.health().stream).toBe('open');
    expect(await countIn(44_000, () => count('/stream'))).toBe(0);
    expect(await countIn(20_000, () => count('/stream'))).toBe(1);
  });

  it('that fails is opened again at least every 15 s', async () => {
    drawLongest();
    const { client, count } = start({ ...ready, '/stream': 503 });
    await client.ready();
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(await countIn(10 * MINUTE, () => count('/stream'))).toBe(40);
  });

  it('that fails is not opened again at once', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { client, count } = start({ ...ready, '/stream': 503 });
    await client.ready();
    expect(await countIn(1_000, () => count('/stream'))).toBeLessThanOrEqual(4);
  });

  it('that fails three times is replaced by polling, every 30 s', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { client, count } = start({ ...ready, '/stream': 503 });
    await client.ready();
    while (count('/stream') < 3) await vi.advanceTimersByTimeAsync(10);
    expect(client.health().transport).toBe('polling');
    expect(await countIn(10 * MINUTE, () => count('/ruleset'))).toBe(20);
  });
});

describe('a failed request', () => {
  it('for the first values is repeated at least every 5 s, not at once', async () => {
    drawLongest();
    const { client, count } = start({ ...ready, '/ruleset': 503 });
    const failure = failureOf(client.ready({ timeoutMs: 10 * MINUTE }));
    expect(await countIn(1_000, () => count('/ruleset'))).toBeLessThanOrEqual(11);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(await countIn(5 * MINUTE, () => count('/ruleset'))).toBe(60);
    await client.close();
    await failure;
  });

  it('is repeated after 5 min even if the server asks for an hour', async () => {
    const slow = new Response('{}', { status: 429, headers: { 'retry-after': '3600' } });
    const { client, count } = start({ ...ready, '/stream': slow });
    await client.ready();
    await vi.advanceTimersByTimeAsync(0);
    expect(await countIn(5 * MINUTE - 1, () => count('/stream'))).toBe(0);
    expect(await countIn(1_000, () => count('/stream'))).toBe(1);
  });

  it('of a start in the background is repeated at least every minute, not at once', async () => {
    drawLongest();
    const { client, count } = start({ ...ready, '/ruleset': 403 }, { start: 'background' });
    const failure = failureOf(client.ready({ timeoutMs: 1 }));
    expect(await countIn(1_000, () => count('/ruleset'))).toBeLessThanOrEqual(2);
    await failure;
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(await countIn(10 * MINUTE, () => count('/ruleset'))).toBe(10);
  });
});

it('polls a platform without rulesets every 30 s, and asks for rulesets every 10 min', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const { client, count } = start({ '/token': token, '/values': { values: { newCheckout: true } } });
  await client.ready();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await countIn(MINUTE, () => count('/values'))).toBe(2);
  expect(await countIn(60 * MINUTE, () => count('/ruleset'))).toBe(6);
});
