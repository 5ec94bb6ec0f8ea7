import type { Snapshot } from '@smooai/config';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AccessWatch } from '../auth/access-watch.ts';
import { ChangeBus } from '../domain/change-bus.ts';
import { ConfigService } from '../domain/config-service.ts';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Environments } from '../domain/environments.ts';
import { EventReader } from '../test-support/event-reader.ts';
import { countOpenListeners } from '../test-support/open-listeners.ts';
import { callApi, tokenOf } from '../test-support/running-server.ts';
import { startShop } from '../test-support/shop-server.ts';

const DEVELOPMENT = 'environment=development';
const PATHS = ['/stream', '/snapshot/stream'];

type ReadView = (this: ConfigService, id: string) => Promise<EnvironmentView | undefined>;

/** Holds the n-th read of a view, after it or before it, until the returned function is called. */
function holdRead(
  which: number,
  { isBefore = false }: { isBefore?: boolean } = {},
): { reached: Promise<void>; release: () => void } {
  let release = (): void => undefined;
  let reach = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const read: ReadView = Reflect.get(ConfigService.prototype, 'viewById');
  let count = 0;
  const spy = vi.spyOn(ConfigService.prototype, 'viewById');
  spy.mockImplementation(async function (this: ConfigService, id) {
    count += 1;
    const isHeld = count === which;
    const hold = async (): Promise<void> => {
      reach();
      await gate;
    };
    if (isHeld && isBefore) await hold();
    const view = await read.call(this, id);
    if (isHeld && !isBefore) await hold();
    return view;
  });
  onTestFinished(() => spy.mockRestore());
  return { reached, release };
}

describe.each(PATHS)('%s', (path) => {
  it('removes every listener when its client disconnects, is refused or ends', async () => {
    const shop = await startShop();
    const counts = [
      countOpenListeners(ChangeBus.prototype, 'subscribe'),
      countOpenListeners(Environments.prototype, 'onLost'),
      countOpenListeners(AccessWatch.prototype, 'onLost'),
    ];
    const streams = await Promise.all(
      Array.from({ length: 5 }, () => EventReader.open(shop, `${path}?${DEVELOPMENT}`)),
    );
    for (const stream of streams) await stream.next();
    // The streams of an environment share one subscription.
    expect(counts.map(({ open }) => open)).toEqual([1, 5, 5]);
    for (const stream of streams.slice(1)) stream.close();
    await expect.poll(() => counts.map(({ open }) => open)).toEqual([1, 1, 1]);
    await shop.set('theme', 'dark');
    expect(JSON.stringify(await streams[0]?.next())).toContain('dark');
    // A refusal after the stream has begun to watch its caller.
    const refused = await shop.call('GET', `${path}?environment=nothing`);
    expect(refused.status).toBe(404);
    await expect.poll(() => counts.map(({ open }) => open)).toEqual([1, 1, 1]);
    expect(counts[2]?.added).toBe(6);
    const id = await shop.addEnvironment('preview');
    const deleted = await EventReader.open(shop, `${path}?environment=preview`);
    await deleted.next();
    await shop.call('DELETE', `/environments/${id}`);
    await deleted.ended();
    await expect.poll(() => counts.map(({ open }) => open)).toEqual([1, 1, 1]);
    await shop.server.close();
    expect(counts.map(({ open }) => open)).toEqual([0, 0, 0]);
  });

  it('delivers a change that is made during its first read', async () => {
    const shop = await startShop();
    // The first read looks up the environment, the second one is what the stream begins with.
    const { reached, release } = holdRead(2);
    const opening = EventReader.open(shop, `${path}?${DEVELOPMENT}`);
    await reached;
    await shop.set('theme', 'dark');
    release();
    const stream = await opening;
    const first = await stream.next();
    expect(['ruleset', 'snapshot']).toContain(first.event);
    expect(JSON.stringify(first.data)).not.toContain('dark');
    const second = await stream.next();
    expect(['change', 'patch']).toContain(second.event);
    expect(JSON.stringify(second.data)).toContain('dark');
    await shop.set('theme', 'light');
    expect(JSON.stringify((await stream.next()).data)).toContain('light');
  });

  it('delivers a change once that its first read contains already', async () => {
    const shop = await startShop();
    const { reached, release } = holdRead(2, { isBefore: true });
    const opening = EventReader.open(shop, `${path}?${DEVELOPMENT}`);
    await reached;
    await shop.set('theme', 'dark');
    release();
    const stream = await opening;
    expect(JSON.stringify((await stream.next()).data)).toContain('dark');
    await shop.set('banner', 'next');
    const { data } = await stream.next();
    expect(JSON.stringify(data)).toContain('next');
    expect(JSON.stringify(data)).not.toContain('dark');
  });

  it('delivers a change that is made between the lookup of the environment and its first read', async () => {
    const shop = await startShop();
    const { reached, release } = holdRead(1);
    const opening = EventReader.open(shop, `${path}?${DEVELOPMENT}`);
    await reached;
    await shop.set('theme', 'dark');
    release();
    const stream = await opening;
    expect(JSON.stringify((await stream.next()).data)).toContain('dark');
  });

  it('ends for an environment that is deleted while it opens', async () => {
    const shop = await startShop();
    const id = await shop.addEnvironment('preview');
    const { reached, release } = holdRead(1);
    const opening = EventReader.open(shop, `${path}?environment=preview`);
    await reached;
    expect((await shop.call('DELETE', `/environments/${id}`)).status).toBe(204);
    release();
    const stream = await opening;
    await stream.ended();
    expect(stream.waiting).toBe(0);
  });

  it('ends for an environment that is renamed away from its caller while it opens', async () => {
    const shop = await startShop();
    const id = await shop.addEnvironment('preview');
    await shop.set('paymentKey', 'sk_live_12345678', 'preview');
    const authorization = `Bearer ${await shop.tokenFor({ environments: ['preview'] })}`;
    const { reached, release } = holdRead(1);
    const opening = EventReader.open(shop, `${path}?environment=preview`, { authorization });
    await reached;
    expect((await shop.call('PATCH', `/environments/${id}`, { name: 'vault' })).status).toBe(200);
    release();
    const stream = await opening;
    await stream.ended();
    expect(stream.waiting).toBe(0);
  });

  it('ends for a caller that loses its access while it opens, and sends nothing', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m' });
    const { reached, release } = holdRead(1);
    const authorization = `Bearer ${await tokenOf(shop.server, client)}`;
    const opening = EventReader.open(shop, `${path}?${DEVELOPMENT}`, { authorization });
    await reached;
    await callApi(shop.server, `/auth-clients/${client.id}`, { token: shop.token, method: 'DELETE' });
    release();
    const stream = await opening;
    await stream.ended();
    expect(stream.waiting).toBe(0);
  });
});

it('a stream that resumes delivers a change once that was made while it opened', async () => {
  const shop = await startShop();
  const { revision } = await shop.ruleset();
  const { reached, release } = holdRead(2, { isBefore: true });
  const opening = EventReader.open(shop, `/stream?${DEVELOPMENT}`, { 'last-event-id': revision });
  await reached;
  await shop.set('theme', 'dark');
  release();
  const stream = await opening;
  expect((await stream.next()).id).toBe(String(Number(revision) + 1));
  await shop.set('theme', 'light');
  expect((await stream.next()).id).toBe(String(Number(revision) + 2));
});

it('several changes during a read are one patch, and the last one is not lost', async () => {
  const shop = await startShop();
  const stream = await EventReader.open(shop, `/snapshot/stream?${DEVELOPMENT}`);
  await stream.next();
  const { reached, release } = holdRead(1);
  await shop.set('cartItems', 1);
  await reached;
  await shop.set('cartItems', 2);
  await shop.set('cartItems', 3);
  release();
  const seen: unknown[] = [];
  while ((seen.at(-1) as Snapshot | undefined)?.limits.cartItems?.value !== 3) {
    seen.push((await stream.next()).data);
  }
  expect(seen.length).toBeLessThanOrEqual(2);
});
