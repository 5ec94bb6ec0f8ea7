import { createHmac } from 'node:crypto';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { configTag, createNextConfig } from './server.ts';
import { inRouteHandler } from './test-support/next-render.ts';
import { shopConfig } from './test-support/shop-config.ts';

const secret = 'a-secret-of-the-tests';
const atOnce = { expire: 0 };
const url = 'https://shop.example/api/config/stream';

type Headers = Record<string, string>;

/** Signs as a sender does that follows the specification of Standard Webhooks, with Node's own functions. */
function signed(body: string, { key = secret as string | Buffer, ageS = 0, id = 'msg_1' } = {}): Headers {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageS);
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}

/** What `fetch` requires for a body that is a stream. */
function streaming(body: BodyInit): { duplex?: 'half' } {
  return body instanceof ReadableStream ? { duplex: 'half' } : {};
}

async function post(body: BodyInit, headers: Headers = {}, revalidate = {}) {
  const { handlers } = createNextConfig({ client: createTestClient({ config: shopConfig() }), revalidate });
  const request = new Request(url, { method: 'POST', headers, body, ...streaming(body) });
  const { response, revalidated } = await inRouteHandler(() => handlers.POST(request));
  expect(response.headers.get('cache-control')).toBe('no-store');
  const message = response.status === 204 ? '' : ((await response.json()) as { message: string }).message;
  return { status: response.status, message, revalidated };
}

const bearer = { authorization: `Bearer ${secret}` };

describe('POST of handlers', () => {
  beforeEach(() => {
    vi.stubEnv('SMOOAI_CONFIG_REVALIDATE_SECRET', secret);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('expires the entries of the keys in the body, at once', async () => {
    expect(await post('{"keys":["newCheckout","theme"],"revision":"7"}', bearer)).toMatchObject({
      status: 204,
      revalidated: [
        [configTag('newCheckout'), atOnce],
        [configTag('theme'), atOnce],
      ],
    });
  });

  it.each(['', ' ', '{}', '{"keys":"all"}', '{"revision":"7"}'])(
    'expires all entries with configuration without keys (body %j)',
    async (body) => {
      expect((await post(body, bearer)).revalidated).toEqual([['smooai-config', atOnce]]);
    },
  );

  it('accepts a signature in the form of Standard Webhooks, also one of several', async () => {
    const body = '{"keys":["theme"]}';
    expect((await post(body, signed(body))).status).toBe(204);
    const headers = signed(body);
    const several = { ...headers, 'webhook-signature': `v2,abc v1,AAAA ${headers['webhook-signature']}` };
    expect((await post(body, several)).status).toBe(204);
  });

  it('accepts a base64 secret with the prefix of Standard Webhooks', async () => {
    const key = Buffer.from('24 bytes of random data.');
    const own = { secret: `whsec_${key.toString('base64')}` };
    expect((await post('{}', signed('{}', { key }), own)).status).toBe(204);
    expect((await post('{}', signed('{}', { key: own.secret }), own)).status).toBe(403);
  });

  it('uses a secret as it is if there is nothing after the prefix of Standard Webhooks', async () => {
    const own = { secret: `whsec_${' '.repeat(10)}` };
    expect((await post('{}', signed('{}', { key: own.secret }), own)).status).toBe(204);
    expect((await post('{}', signed('{}', { key: '' }), own)).status).toBe(403);
  });

  it('returns 408 to a sender that disconnects, without an error in the log of the app', async () => {
    const { handlers } = createNextConfig({ client: createTestClient({ config: shopConfig() }) });
    const body = new ReadableStream({ pull: () => Promise.reject(new Error('aborted')) });
    const init = { method: 'POST', headers: bearer, body, duplex: 'half' };
    expect((await handlers.POST(new Request(url, init))).status).toBe(408);
  });

  it('returns 408 to a body that takes more than 10 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { handlers } = createNextConfig({ client: createTestClient({ config: shopConfig() }) });
    const body = new ReadableStream({ pull: () => new Promise<void>(() => undefined) });
    const responding = handlers.POST(
      new Request(url, { method: 'POST', headers: bearer, body, ...streaming(body) }),
    );
    let isOver = false;
    void responding.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(9_999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await responding).status).toBe(408);
  });

  const old = /too old, or the clock of its sender is wrong/;
  const mismatch = /signature does not match/;
  const refused: [name: string, status: number, message: RegExp, body: string, headers: Headers][] = [
    ['without credentials', 401, /Authorization: Bearer/, '{}', {}],
    ['with another secret', 403, /not the one of this app/, '{}', { authorization: `Bearer ${secret}x` }],
    ['with a short secret', 403, /not the one of this app/, '{}', { authorization: 'Bearer x' }],
    ['with another scheme', 401, /Authorization: Bearer/, '{}', { authorization: `Basic ${secret}` }],
    [
      'with a signature by another secret',
      403,
      mismatch,
      '{}',
      signed('{}', { key: 'another-secret-of-tests' }),
    ],
    ['with a signature of another body', 403, mismatch, '{"keys":["theme"]}', signed('{}')],
    [
      'with a signature that is not base64',
      403,
      mismatch,
      '{}',
      { ...signed('{}'), 'webhook-signature': 'v1,%' },
    ],
    [
      'with another timestamp than the signed one',
      403,
      mismatch,
      '{}',
      { ...signed('{}'), 'webhook-timestamp': '1' },
    ],
    ['without the timestamp', 403, mismatch, '{}', { 'webhook-id': 'm', 'webhook-signature': 'v1,AAAA' }],
    ['that was signed too long ago', 403, old, '{}', signed('{}', { ageS: 310 })],
    ['that was signed in the future', 403, old, '{}', signed('{}', { ageS: -320 })],
    ['with a body that is not JSON', 400, /The body must be empty or/, 'newCheckout', bearer],
    ['with a body that is null', 400, /The body must be empty or/, 'null', bearer],
    ['with a body that is one name', 400, /The body must be empty or/, '"newCheckout"', bearer],
    ['with a body that is a number', 400, /The body must be empty or/, '5', bearer],
    ['with a body that is a list', 400, /The body must be empty or/, '["newCheckout"]', bearer],
    ['with keys that are an object', 400, /The body must be empty or/, '{"keys":{}}', bearer],
    ['with keys that are not texts', 400, /The body must be empty or/, '{"keys":[1]}', bearer],
    ['with one key of two that is not a text', 400, /The body must be empty or/, '{"keys":["a",1]}', bearer],
    ['with an empty key', 400, /The body must be empty or/, '{"keys":[""]}', bearer],
    ['with half of a surrogate pair', 400, /The body must be empty or/, '{"keys":["\\ud83c"]}', bearer],
    ['with a long key', 400, /at most 200 characters/, JSON.stringify({ keys: ['k'.repeat(201)] }), bearer],
    ['with many keys', 400, /at most 1000 names/, JSON.stringify({ keys: Array(1_001).fill('k') }), bearer],
    ['with a large body', 413, /larger than 65536 bytes/, ' '.repeat(65_537), {}],
  ];

  it.each(refused)('refuses a request %s', async (_, status, message, body, headers) => {
    const result = await post(body, headers);
    expect(result).toMatchObject({ status, revalidated: [] });
    expect(result.message).toMatch(message);
    expect(result.message).not.toContain(secret);
  });

  it('accepts the largest body, the longest key, the most keys and the shortest secret', async () => {
    const padded = JSON.stringify({ keys: ['theme'] }).padEnd(65_536);
    expect((await post(padded, bearer)).status).toBe(204);
    expect((await post(JSON.stringify({ keys: ['k'.repeat(200)] }), bearer)).status).toBe(204);
    expect((await post(JSON.stringify({ keys: Array(1_000).fill('k') }), bearer)).status).toBe(204);
    const own = { secret: '16 characters...' };
    expect((await post('', { authorization: `bearer ${own.secret}` }, own)).status).toBe(204);
  });

  it('reads a body whose chunks end inside of a character', async () => {
    const bytes = new TextEncoder().encode('{"keys":["thème"]}');
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect((await post(body, bearer)).revalidated).toEqual([[configTag('thème'), atOnce]]);
  });

  it('expires the tags that cache handlers compare: Next.js encodes what is not ASCII', async () => {
    const keys = ['thème', '日本', 'a b', 'a%b', '🎉'];
    const { revalidated } = await post(JSON.stringify({ keys }), bearer);
    expect(revalidated).toEqual(keys.map((key) => [configTag(key), atOnce]));
    expect(keys.map(configTag).join()).toMatch(/^[ -~]+$/);
  });

  it('stops reading a body without an end', async () => {
    const cancel = vi.fn();
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
      cancel,
    });
    expect((await post(body, bearer)).status).toBe(413);
    expect(cancel).toHaveBeenCalledOnce();
  });

  it.each([undefined, '', 'too-short'])('is off while the secret is %j', async (value) => {
    vi.stubEnv('SMOOAI_CONFIG_REVALIDATE_SECRET', value);
    const result = await post('{}', { authorization: `Bearer ${value}` });
    expect(result).toMatchObject({ status: 403, revalidated: [] });
    expect(result.message).toMatch(/Set SMOOAI_CONFIG_REVALIDATE_SECRET, at least 16 characters/);
  });
});
