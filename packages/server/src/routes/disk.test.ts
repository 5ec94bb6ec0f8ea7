import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withConnection } from '../test-support/open-database.ts';
import { callApi, jsonOf, postForm, temporaryDirectory } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';

const LARGE = 'x'.repeat(200_000);

async function startOnDisk() {
  const db = join(await temporaryDirectory(), 'config.db');
  const { result: shop, connection } = await withConnection(() => startShop({ db }));
  const set = (name: string, value: number | string): unknown => connection.pragma(`${name} = ${value}`);
  return {
    db,
    shop,
    /** Leaves no page for new rows. */
    fillDisk: () => set('max_page_count', 1),
    freeDisk: () => set('max_page_count', 1_000_000),
    set,
    connection,
  };
}

async function readiness(shop: Shop): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${shop.server.url}/readyz`);
  return { status: response.status, body: await jsonOf(response) };
}

const write = (shop: Shop, value: string) =>
  shop.call('PUT', '/values', shop.write({ key: 'supportEmail', value }));

it('a full disk refuses writes with words, shows in /readyz, and changes nothing', async () => {
  const { shop, fillDisk, freeDisk } = await startOnDisk();
  await shop.set('supportEmail', 'before');
  const before = await shop.ruleset();
  fillDisk();
  // Before the first failed write, nothing shows that the disk is full.
  expect(await readiness(shop)).toEqual({ status: 200, body: { status: 'ok' } });
  for (const value of [LARGE, `${LARGE}2`]) {
    const refused = await write(shop, value);
    expect(refused.status).toBe(507);
    expect(refused.body.message).toBe(
      'The disk of the database is full. Nothing was changed. Free some space; the server then continues by itself.',
    );
    expect(await readiness(shop)).toEqual({
      status: 503,
      body: { status: 'unavailable', message: refused.body.message },
    });
  }
  expect(await shop.ruleset()).toEqual(before);
  expect((await fetch(`${shop.server.url}/healthz`)).status).toBe(200);

  freeDisk();
  expect((await readiness(shop)).status).toBe(200);
  expect((await write(shop, LARGE)).status).toBe(200);
  expect((await shop.ruleset()).public).toEqual({ supportEmail: LARGE });
});

it('a full disk refuses the revocation of a token in the form of OAuth, and the token stays valid', async () => {
  const { shop, set } = await startOnDisk();
  const client = await shop.makeClient({ type: 'm2m', scopes: ['config:read'] });
  const token = await shop.tokenFor({ scopes: ['config:read'] });
  set('query_only', 'ON');
  const owner = { client_id: client.clientId, client_secret: client.clientSecret };
  const own = await jsonOf(
    await postForm(`${shop.server.url}/token`, { grant_type: 'client_credentials', ...owner }),
  );
  const revoked = await postForm(`${shop.server.url}/revoke`, { token: String(own.access_token), ...owner });
  expect(revoked.status).toBe(503);
  expect(await jsonOf(revoked)).toEqual({
    error: 'server_error',
    message:
      'The database is read-only. Nothing was changed. Check the permissions of its file and directory.',
  });
  const read = await callApi(shop.server, '/config/schemas', { token: String(own.access_token) });
  expect([read.status, (await callApi(shop.server, '/config/schemas', { token })).status]).toEqual([
    200, 200,
  ]);
});

it('a stream gets no change that could not be stored', async () => {
  const { shop, fillDisk, freeDisk } = await startOnDisk();
  await shop.set('supportEmail', 'before');
  const { revision } = await shop.ruleset();
  fillDisk();
  expect((await write(shop, LARGE)).status).toBe(507);
  freeDisk();
  await shop.set('supportEmail', 'after');
  const after = await shop.ruleset();
  expect(after.public).toEqual({ supportEmail: 'after' });
  // The failed write took no revision.
  expect(Number(after.revision)).toBe(Number(revision) + 1);
});

it('a read-only database refuses writes with words and recovers', async () => {
  const { shop, set } = await startOnDisk();
  set('query_only', 'ON');
  const refused = await write(shop, 'value');
  expect(refused.status).toBe(503);
  expect(refused.body.message).toMatch(/^The database is read-only\. Nothing was changed\./);
  expect(await readiness(shop)).toMatchObject({ status: 503, body: { message: refused.body.message } });
  set('query_only', 'OFF');
  expect((await readiness(shop)).status).toBe(200);
  expect((await write(shop, 'value')).status).toBe(200);
});

it('a server on a full disk closes, and the next one has every stored value', async () => {
  const { db, shop, fillDisk } = await startOnDisk();
  await shop.set('supportEmail', 'stored');
  fillDisk();
  expect((await write(shop, LARGE)).status).toBe(507);
  await shop.server.close();
  expect((await stat(db)).size).toBeGreaterThan(0);
  const next = await shop.restart({ db });
  expect((await next.ruleset()).public).toEqual({ supportEmail: 'stored' });
});
