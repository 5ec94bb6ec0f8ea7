import { describe, expect, it } from 'vitest';
import { EventReader } from '../test-support/event-reader.ts';
import { callApi } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';
import { eventStreamsFor, type OfrepEventStream } from './ofrep-event-stream.ts';

const ORIGIN = 'https://shop.example';

interface PageOptions {
  origin?: string;
  lastEventId?: string;
}

/** A page with a publishable key of a shop. */
class Page {
  readonly shop: Shop;
  readonly key: string;
  readonly clientId: string;

  constructor(shop: Shop, { key, clientId }: { key: string; clientId: string }) {
    this.shop = shop;
    this.key = key;
    this.clientId = clientId;
  }

  static async of(shop: Shop): Promise<Page> {
    const { publishableKey, id } = await shop.makeClient({ type: 'b2m', allowedOrigins: [ORIGIN] });
    return new Page(shop, { key: publishableKey, clientId: id });
  }

  /** Reads all flags. */
  async readFlags(etag = ''): Promise<Response> {
    return fetch(`${this.shop.server.url}/ofrep/v1/evaluate/flags`, {
      method: 'POST',
      headers: {
        'x-api-key': this.key,
        'x-config-environment': 'development',
        'content-type': 'application/json',
        'if-none-match': etag,
        origin: ORIGIN,
      },
      body: '{}',
    });
  }

  async eventStreams(): Promise<OfrepEventStream[]> {
    const body = (await (await this.readFlags()).json()) as { eventStreams: OfrepEventStream[] };
    return body.eventStreams;
  }

  /** Opens the first event stream as a browser does: its headers are fixed. */
  async open({ origin = ORIGIN, lastEventId }: PageOptions = {}): Promise<EventReader> {
    const [stream] = await this.eventStreams();
    const url = new URL(stream?.endpoint.requestUri ?? '', this.shop.server.url);
    const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return EventReader.openUrl(url.href, { origin, accept: 'text/event-stream', ...resumed });
  }
}

describe('the event stream of a page', () => {
  it('is named in the response for all flags, with the publishable key and no access token', async () => {
    const shop = await startShop();
    const page = await Page.of(shop);
    const [stream, ...others] = await page.eventStreams();
    expect(others).toEqual([]);
    const { endpoint, ...rest } = stream as OfrepEventStream;
    expect(rest).toEqual({ type: 'sse', inactivityDelaySec: 120 });
    const url = new URL(endpoint.requestUri, shop.server.url);
    expect([...url.searchParams.keys()].sort()).toEqual(['environment', 'key']);
    expect(url.searchParams.get('key')).toBe(page.key);
    expect(await page.eventStreams()).toEqual([stream]);
  });

  it('is below the path of the public URL', () => {
    const request = { principal: { type: 'b2m' }, headers: { authorization: 'Bearer pk_1' } };
    const view = { environment: { name: 'a b' } };
    const { eventStreams } = eventStreamsFor(request as never, view as never, {
      publicUrl: () => 'https://example.com/config/',
    });
    const requestUri = '/config/ofrep/v1/stream?environment=a+b&key=pk_1';
    expect(eventStreams?.map(({ endpoint }) => endpoint)).toEqual([{ requestUri }]);
  });

  it('is not offered to a machine client, and not opened with an access token in the URL', async () => {
    const shop = await startShop();
    const headers = {
      authorization: `Bearer ${shop.token}`,
      'x-config-environment': 'development',
      'content-type': 'application/json',
    };
    const url = `${shop.server.url}/ofrep/v1`;
    const response = await fetch(`${url}/evaluate/flags`, { method: 'POST', headers, body: '{}' });
    const text = await response.text();
    expect(text).not.toContain('eventStreams');
    expect(text).not.toContain(shop.token);
    const refused = await fetch(`${url}/stream?environment=development&key=${shop.token}`);
    expect(refused.status).toBe(401);
  });

  it('begins with one event, because a change before it may have been missed, and sends one for each change', async () => {
    const shop = await startShop();
    const page = await Page.of(shop);
    const stream = await page.open();
    expect(stream.response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const first = await stream.next();
    expect(first).toMatchObject({ event: 'message', data: { type: 'refetchEvaluation' } });
    const etag = (await page.readFlags()).headers.get('etag') ?? '';
    expect((await page.readFlags(etag)).status).toBe(304);
    const before = Math.floor(Date.now() / 1000);
    await shop.set('newCheckout', true);
    const { id, event, data } = await stream.next();
    expect(event).toBe('message');
    expect(data).toEqual({
      type: 'refetchEvaluation',
      etag: `"${id}"`,
      lastModified: expect.any(Number) as number,
    });
    expect(Number(data.lastModified)).toBeGreaterThanOrEqual(before);
    expect(Number(data.lastModified)).toBeLessThanOrEqual(Date.now() / 1000);
    expect(id).not.toBe(first.id);
    expect((await page.readFlags(etag)).status).toBe(200);
  });

  it('has the same id for a change in every stream, by which a page resumes', async () => {
    const shop = await startShop();
    const page = await Page.of(shop);
    const streams = await Promise.all([page.open(), page.open()]);
    await Promise.all(streams.map((stream) => stream.next()));
    await shop.set('newCheckout', true);
    const [one, other] = await Promise.all(streams.map((stream) => stream.next()));
    expect(other).toEqual(one);
    const resumed = await page.open({ lastEventId: one?.id ?? '' });
    await resumed.comment();
    await shop.set('newCheckout', false);
    const next = await resumed.next();
    expect(next.id).not.toBe(one?.id);
    const late = await page.open({ lastEventId: one?.id ?? '' });
    expect((await late.next()).id).toBe(next.id);
  });

  it('has no event for a change of a secret', async () => {
    const shop = await startShop();
    const stream = await (await Page.of(shop)).open();
    await stream.next();
    await shop.set('paymentKey', 'a secret of the shop');
    await shop.set('newCheckout', true);
    const { id } = await stream.next();
    const { revision } = await shop.ruleset();
    expect(id).toMatch(new RegExp(`\\.${revision}$`));
  });

  it('ends when the key is revoked', async () => {
    const shop = await startShop();
    const page = await Page.of(shop);
    const stream = await page.open();
    await stream.next();
    await callApi(shop.server, `/auth-clients/${page.clientId}`, { method: 'DELETE', token: shop.token });
    await stream.ended();
  });

  it('is refused for another origin, and with Retry-After for one too many', async () => {
    const shop = await startShop({ streams: { maxPerAddress: 1 } });
    const page = await Page.of(shop);
    expect((await page.open({ origin: 'https://other.example' })).response.status).toBe(403);
    await (await page.open()).next();
    const { response } = await page.open();
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('the reads of a publishable key', () => {
  it('are limited for each address, with the time until the next in Retry-After', async () => {
    const shop = await startShop({ reads: { maxPerAddress: 2 } });
    const page = await Page.of(shop);
    const responses = [await page.readFlags(), await page.readFlags(), await page.readFlags()];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 429]);
    const refused = responses[2] as Response;
    const retryAfterSec = Number(refused.headers.get('retry-after'));
    expect(retryAfterSec).toBeGreaterThan(0);
    expect(retryAfterSec).toBeLessThanOrEqual(60);
    expect(refused.headers.get('access-control-expose-headers')).toContain('Retry-After');
    expect(await refused.json()).toEqual({ errorDetails: expect.stringContaining('2 requests') as string });
    // Another key has its own count, and machine clients have no limit.
    expect((await (await Page.of(shop)).readFlags()).status).toBe(200);
  });
});
