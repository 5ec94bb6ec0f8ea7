import { inspect } from 'node:util';
import { ReadyTimeoutError } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it, vi } from 'vitest';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { readEvents } from './test-support/read-events.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';

const config = shopConfig();
const URL_OF_STREAM = 'https://shop.example/api/config/stream';

const request = (headers: Record<string, string> = {}, init: RequestInit = {}): Request =>
  new Request(URL_OF_STREAM, { ...init, headers });

const countryOf = (from: Request) => ({ country: from.headers.get('x-country') });

describe('createSnapshotRouteHandler', () => {
  it('streams the snapshot and its changes as server-sent events that are not cached or buffered', async () => {
    const client = createTestClient({ config });
    const response = await createSnapshotRouteHandler({ client })(request());
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const events = readEvents(response);
    expect(await events.next()).toMatchObject({ event: 'snapshot', data: client.snapshot() });
    client.set({ flags: { theme: 'dark' } });
    const patch = await events.next();
    expect(patch).toMatchObject({ event: 'patch', data: { flags: { theme: { value: 'dark' } } } });
    expect(patch?.id).toBe(client.snapshot().revision);
    await events.cancel();
  });

  it('never sends a secret or the name of a secret', async () => {
    const client = createTestClient({ config, secrets: { paymentKey: 'sk-live-1111' } });
    const events = readEvents(await createSnapshotRouteHandler({ client })(request()));
    const seen = [await events.next()];
    client.set({ secrets: { paymentKey: 'sk-live-2222' } });
    client.set({ secrets: { paymentKey: 'sk-live-3333' }, flags: { newCheckout: true } });
    seen.push(await events.next());
    expect(seen[1]).toMatchObject({ data: { flags: { newCheckout: { value: true } } } });
    expect(inspect(seen, { depth: null })).not.toMatch(/sk-|paymentKey/);
    await events.cancel();
  });

  it('evaluates each request for its own context', async () => {
    const client = createTestClient({ config, flags: { freeShipping: onlyIn('NL') } });
    const handler = createSnapshotRouteHandler({
      getClient: async () => client,
      context: async (from) => countryOf(from),
    });
    const [dutch, belgian] = await Promise.all(
      ['NL', 'BE'].map(async (country) => readEvents(await handler(request({ 'x-country': country })))),
    );
    expect(await dutch?.next()).toMatchObject({ data: { flags: { freeShipping: { value: true } } } });
    expect(await belgian?.next()).toMatchObject({ data: { flags: { freeShipping: { value: false } } } });
    client.set({ flags: { freeShipping: onlyIn('BE') } });
    expect(await dutch?.next()).toMatchObject({ data: { flags: { freeShipping: { value: false } } } });
    expect(await belgian?.next()).toMatchObject({ data: { flags: { freeShipping: { value: true } } } });
    await dutch?.cancel();
    await belgian?.cancel();
  });

  it('unsubscribes from the client when the request is aborted', async () => {
    const client = createTestClient({ config });
    let open = 0;
    const subscribe = client.subscribe.bind(client);
    client.subscribe = (listener) => {
      open++;
      const unsubscribe = subscribe(listener);
      return () => {
        open--;
        unsubscribe();
      };
    };
    const abort = new AbortController();
    const events = readEvents(
      await createSnapshotRouteHandler({ client })(request({}, { signal: abort.signal })),
    );
    await events.next();
    expect(open).toBe(1);
    abort.abort();
    expect(open).toBe(0);
    expect(await events.next()).toBeUndefined();
  });

  it.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a page of a sibling domain', { 'sec-fetch-site': 'same-site', origin: 'https://other.shop.example' }],
    ['a page of another origin in an older browser', { origin: 'https://evil.example' }],
    ['a page of another port in an older browser', { origin: 'https://shop.example:8443' }],
    ['a page without an origin', { origin: 'null' }],
  ])('returns 403 to %s', async (_, headers) => {
    const client = createTestClient({ config });
    const response = await createSnapshotRouteHandler({ client })(request(headers));
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ message: expect.any(String) });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['the page itself', { 'sec-fetch-site': 'same-origin' }],
    ['a visitor who typed the address', { 'sec-fetch-site': 'none' }],
    ['an older browser', { origin: 'https://shop.example' }],
    ['a page behind a proxy', { origin: 'https://www.example', 'x-forwarded-host': 'www.example' }],
  ])('streams to %s', async (_, headers) => {
    const client = createTestClient({ config });
    const response = await createSnapshotRouteHandler({ client })(request(headers));
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  it('recognizes a host with letters outside ASCII, even after 10,000 requests', async () => {
    const handler = createSnapshotRouteHandler({ client: createTestClient({ config }) });
    const headers = { origin: 'https://größe.example', 'x-forwarded-host': 'xn--gre-6ka8i.example' };
    const statuses = new Set<number>();
    for (let call = 0; call < 10_000; call++) {
      statuses.add((await handler(request(headers, { method: 'HEAD' }))).status);
    }
    expect(statuses).toEqual(new Set([200]));
  });

  it('keeps the connection open with pings, as often as heartbeatMs says', async () => {
    const client = createTestClient({ config });
    const { body } = await createSnapshotRouteHandler({ client, heartbeatMs: 5 })(request());
    let text = '';
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (/event: ping\n(.*\n)*event: ping\n/.test(text)) break;
    }
    expect(text).toContain('event: snapshot');
  });

  it('returns no body to HEAD', async () => {
    const client = createTestClient({ config });
    const response = await createSnapshotRouteHandler({ client })(request({}, { method: 'HEAD' }));
    expect(response.status).toBe(200);
    expect(response.body).toBeNull();
  });

  it('returns 503 without details while the configuration is not available, and logs the reason once', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const fail = () => Promise.reject(new ReadyTimeoutError('config.internal:4400 refused the connection'));
    const handler = createSnapshotRouteHandler({ getClient: fail });
    await handler(request());
    const response = await handler(request());
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).not.toContain('internal');
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringMatching(/stream has no values.*refused the connection/),
    ]);
    warn.mockRestore();
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '15000'])(
    'throws for the heartbeat %j, with which a timer would fire all the time',
    (heartbeatMs) => {
      const client = createTestClient({ config });
      const options = { client, heartbeatMs: heartbeatMs as number };
      expect(() => createSnapshotRouteHandler(options)).toThrow(/"heartbeatMs" must be a number/);
    },
  );

  it('does not hide an error of the context function', async () => {
    const client = createTestClient({ config });
    const context = (): never => {
      throw new TypeError('a bug');
    };
    await expect(createSnapshotRouteHandler({ client, context })(request())).rejects.toThrow('a bug');
  });

  it('throws unless exactly one of "client" and "getClient" is given', () => {
    const client = createTestClient({ config });
    expect(() => createSnapshotRouteHandler({})).toThrow(/either "client" or "getClient"/);
    expect(() => createSnapshotRouteHandler({ client, getClient: () => client })).toThrow(/either/);
  });

  it('ends its streams on SIGTERM, because Next waits for them', async () => {
    const client = createTestClient({ config });
    const handler = createSnapshotRouteHandler({ client });
    const events = readEvents(await handler(request()));
    await events.next();
    // Without another listener the handler would let the signal end this process.
    const keepAlive = (): void => undefined;
    process.on('SIGTERM', keepAlive);
    process.emit('SIGTERM');
    process.off('SIGTERM', keepAlive);
    expect(await events.next()).toBeUndefined();
    const again = await handler(request());
    expect([again.status, again.headers.get('connection')]).toEqual([503, 'close']);
  });
});
