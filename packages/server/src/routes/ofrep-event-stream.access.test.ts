import { describe, expect, it } from 'vitest';
import { AccessWatch } from '../auth/access-watch.ts';
import { Environments } from '../domain/environments.ts';
import { SnapshotFeeds } from '../domain/snapshot-feeds.ts';
import { EventReader } from '../test-support/event-reader.ts';
import { countOpenListeners } from '../test-support/open-listeners.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';
import { eventStreamsFor } from './ofrep-event-stream.ts';

const ORIGIN = 'https://shop.example';

interface Target {
  environment?: string;
  lastEventId?: string;
}

/** Opens event streams as pages with one publishable key do. */
async function pageOf(shop: Shop, environments?: string[]) {
  const { publishableKey } = await shop.makeClient({
    type: 'b2m',
    allowedOrigins: [ORIGIN],
    ...(environments && { environments }),
  });
  return ({ environment = 'development', lastEventId }: Target = {}): Promise<EventReader> =>
    EventReader.openUrl(
      `${shop.server.url}/ofrep/v1/stream?environment=${environment}&key=${publishableKey}`,
      { origin: ORIGIN, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
    );
}

describe('the event stream of a page', () => {
  it('gives its place back, and leaves no listener, when its page closes', async () => {
    const shop = await startShop({ streams: { maxPerAddress: 3 } });
    const counts = [
      countOpenListeners(SnapshotFeeds.prototype, 'watch'),
      countOpenListeners(Environments.prototype, 'onLost'),
      countOpenListeners(AccessWatch.prototype, 'onLost'),
    ];
    const open = await pageOf(shop);
    for (let round = 0; round < 2; round += 1) {
      const streams = [await open(), await open(), await open()];
      for (const stream of streams) await stream.next();
      expect(counts.map((count) => count.open)).toEqual([3, 3, 3]);
      expect((await open()).response.status).toBe(429);
      for (const stream of streams) stream.close();
      await expect.poll(() => counts.map((count) => count.open)).toEqual([0, 0, 0]);
    }
    // Refused once it had its place.
    for (let count = 0; count < 4; count += 1) {
      expect((await open({ environment: 'nothing' })).response.status).toBe(400);
    }
    await expect.poll(() => counts.map((count) => count.open)).toEqual([0, 0, 0]);
  });

  it('ends when its environment is deleted, or renamed to one that its key may not read', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview');
    await shop.addEnvironment('branch');
    const ofAll = await pageOf(shop);
    const ofTwo = await pageOf(shop, ['preview', 'branch']);
    const deleted = await ofAll({ environment: 'preview' });
    const renamed = await ofTwo({ environment: 'branch' });
    const kept = await ofAll({ environment: 'branch' });
    for (const stream of [deleted, renamed, kept]) await stream.next();
    await shop.call('DELETE', `/environments/${shop.environments.preview}`);
    await deleted.ended();
    await shop.call('PATCH', `/environments/${shop.environments.branch}`, { name: 'vault' });
    await renamed.ended();
    await shop.set('newCheckout', true, 'branch');
    const { revision } = await shop.ruleset('vault');
    let { id } = await kept.next();
    while (id?.endsWith(`.${revision}`) === false) ({ id } = await kept.next());
  });

  it('begins with an event without a time, and resumes only within an epoch', async () => {
    const shop = await startShop();
    const open = await pageOf(shop);
    const { id = '', event, data } = await (await open()).next();
    const { revision, epoch } = await shop.ruleset();
    expect({ id, event, data }).toEqual({
      id: `${epoch as unknown as string}.${revision}`,
      event: 'message',
      data: { type: 'refetchEvaluation', etag: `"${id}"` },
    });
    await (await open({ lastEventId: id })).comment();
    expect((await (await open({ lastEventId: `another.${revision}` })).next()).id).toBe(id);
    expect((await (await open({ lastEventId: revision })).next()).id).toBe(id);
  });
});

describe('eventStreamsFor', () => {
  const endpointFor = (request: object, publicUrl: string): string | undefined =>
    eventStreamsFor(
      { principal: { type: 'b2m' }, headers: {}, query: {}, ...request } as never,
      { environment: { name: 'development' } } as never,
      { publicUrl: () => publicUrl },
    ).eventStreams?.[0]?.endpoint.requestUri;

  it('takes the key from where the page has sent it', () => {
    const url = 'https://config.example';
    const path = '/ofrep/v1/stream?environment=development&key=';
    expect(endpointFor({ query: { key: 'pk_2' } }, url)).toBe(`${path}pk_2`);
    expect(endpointFor({ headers: { authorization: 'bearer  pk_3' } }, url)).toBe(`${path}pk_3`);
    expect(endpointFor({ query: { key: 'pk_2' } }, `${url}/below/`)).toBe(`/below${path}pk_2`);
  });

  it('has none for a caller with a token', () => {
    expect(endpointFor({ principal: { type: 'm2m' } }, 'https://config.example')).toBeUndefined();
  });
});
