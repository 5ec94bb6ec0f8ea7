import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createConfigServer } from '../create-config-server.ts';
import { EventReader } from '../test-support/event-reader.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';
import { logStatements } from '../test-support/statement-log.ts';

const SNAPSHOTS = '/snapshot/stream?environment=development';
const RULESETS = '/stream?environment=development';
const ORIGIN = 'http://shop.test';

/** Opens snapshot streams of a publishable key from an address, which the shop must trust. */
async function visitorOf(shop: Shop) {
  const { publishableKey } = await shop.makeClient({ type: 'b2m', allowedOrigins: [ORIGIN] });
  return (address: string): Promise<EventReader> =>
    EventReader.open(shop, SNAPSHOTS, {
      authorization: `Bearer ${publishableKey}`,
      origin: ORIGIN,
      'x-forwarded-for': address,
    });
}

it('limits the streams of a publishable key from one address; a stream that ends frees its place', async () => {
  const shop = await startShop({ trustProxy: true, streams: { maxPerAddress: 2 } });
  const [open, openOther] = [await visitorOf(shop), await visitorOf(shop)];
  const [first, second] = [await open('192.0.2.1'), await open('192.0.2.1')];
  expect([first.response.status, second.response.status]).toEqual([200, 200]);
  const { response } = await open('192.0.2.1');
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  // Other addresses, keys and machine clients are not affected.
  expect((await open('192.0.2.2')).response.status).toBe(200);
  expect((await openOther('192.0.2.1')).response.status).toBe(200);
  for (let count = 0; count < 4; count += 1) {
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    expect((await EventReader.open(shop, SNAPSHOTS, headers)).response.status).toBe(200);
  }
  first.close();
  await expect.poll(async () => (await open('192.0.2.1')).response.status).toBe(200);
});

it('limits the streams of a publishable key; a refused one takes no place', async () => {
  const shop = await startShop({ trustProxy: true, streams: { maxPerKey: 3 } });
  const open = await visitorOf(shop);
  const streams = await Promise.all(['1', '2', '3'].map((end) => open(`192.0.2.${end}`)));
  for (const stream of streams) expect((await stream.next()).event).toBe('snapshot');
  for (let count = 0; count < 3; count += 1) expect((await open('192.0.2.4')).response.status).toBe(429);
  streams[0]?.close();
  await expect.poll(async () => (await open('192.0.2.4')).response.status).toBe(200);
  const missing = { authorization: 'Bearer pk_unknown', origin: ORIGIN };
  expect((await EventReader.open(shop, SNAPSHOTS, missing)).response.status).toBe(401);
});

it('refuses options of streams that are not whole numbers above 0', async () => {
  for (const streams of [{ maxPerKey: 0 }, { maxPerAddress: 1.5 }, { stalledMs: -1 }]) {
    await expect(createConfigServer({ env: {}, streams })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      message: expect.stringContaining(`streams.${Object.keys(streams)[0]}`),
    });
  }
});

it('a stream that resumes from far behind gets the whole ruleset, without a read of what it missed', async () => {
  const shop = await startShop();
  const { revision } = await shop.ruleset();
  for (let count = 0; count < 6; count += 1) {
    await shop.set('supportEmail', `${count}${'x'.repeat(200_000)}`);
  }
  const statements = logStatements();
  for (let count = 0; count < 3; count += 1) {
    const stream = await EventReader.open(shop, RULESETS, { 'last-event-id': revision });
    expect((await stream.next()).event).toBe('ruleset');
  }
  const reads = statements.matching(/\b(from|join) "?changes\b/);
  expect(reads.length).toBe(3);
  // Each asks for the sum of the lengths first, and reads changes only up to a limit of it.
  for (const sql of reads) expect(sql).toMatch(/sum\(octet_length\(changes\)\)[\s\S]+ missed\.bytes <= /);
});

it('streams that do not read share the ruleset that waits for them, and are disconnected in time', async () => {
  const shop = await startShop({ streams: { stalledMs: 500 } });
  const jsonSchema = JSON.parse(JSON.stringify(shop.schema.jsonSchema));
  const { properties } = jsonSchema.properties.publicConfigSchema;
  for (let count = 0; count < 100; count += 1) properties[`text${count}`] = { type: 'string' };
  await shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema });
  const value = 'x'.repeat(200_000);
  for (let count = 0; count < 100; count += 1) {
    const write = { ...(shop.write({ key: 'supportEmail', value }) as object), key: `text${count}` };
    expect((await shop.call('PUT', '/values', write)).status).toBe(200);
  }
  // 20 MB: much more than the buffers of a connection hold.
  await shop.ruleset();
  const before = process.memoryUsage().rss;
  const sockets = await Promise.all(Array.from({ length: 20 }, () => openWithoutReading(shop)));
  await expect.poll(() => sockets.every(({ hasHeaders }) => hasHeaders())).toBe(true);
  expect((process.memoryUsage().rss - before) / 20e6).toBeLessThan(10);
  await expect.poll(() => sockets.every(({ isClosed }) => isClosed()), { timeout: 60_000 }).toBe(true);
});

/** A connection that asks for the ruleset stream and reads only the first bytes of the response. */
async function openWithoutReading(
  shop: Shop,
): Promise<{ hasHeaders: () => boolean; isClosed: () => boolean }> {
  const { hostname, port, host } = new URL(shop.server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let hasHeaders = false;
  let isClosed = false;
  socket.once('readable', () => {
    hasHeaders = true;
  });
  socket.on('error', () => {
    isClosed = true;
  });
  socket.write(
    `GET /organizations/${shop.server.organizationId}/config${RULESETS} HTTP/1.1\r\nHost: ${host}\r\n` +
      `Authorization: Bearer ${shop.token}\r\n\r\n`,
  );
  // A connection that is not read notices its end only when it sends something.
  const poke = setInterval(() => socket.write('\r\n'), 20);
  onTestFinished(() => clearInterval(poke));
  return { hasHeaders: () => hasHeaders, isClosed: () => isClosed };
}
