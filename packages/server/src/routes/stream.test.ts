import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadEncryptionKey } from '../storage/encryption-key.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { EventReader } from '../test-support/event-reader.ts';
import { callApi, temporaryDirectory, tokenOf } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';

const DEVELOPMENT = '/stream?environment=development';

describe('the stream', () => {
  it('begins with the ruleset and goes on with changes', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'sk_live_12345678');
    const stream = await EventReader.open(shop, DEVELOPMENT);
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.response.headers.get('cache-control')).toBe('no-store');
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no');
    const first = await stream.next();
    const ruleset = await shop.ruleset();
    expect(first).toEqual({ id: ruleset.revision, event: 'ruleset', data: ruleset });

    await shop.set('newCheckout', true);
    await shop.call('DELETE', '/values/newCheckout?environment=development');
    await shop.putSegment('staff', { all: [] });
    const events = [await stream.next(), await stream.next(), await stream.next()];
    const start = Number(first.id);
    expect(events).toEqual([
      {
        id: String(start + 1),
        event: 'change',
        data: {
          revision: String(start + 1),
          previousRevision: String(start),
          changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }],
        },
      },
      {
        id: String(start + 2),
        event: 'change',
        data: {
          revision: String(start + 2),
          previousRevision: String(start + 1),
          changes: [{ tier: 'feature_flag', key: 'newCheckout', deleted: true }],
        },
      },
      {
        id: String(start + 3),
        event: 'change',
        data: {
          revision: String(start + 3),
          previousRevision: String(start + 2),
          changes: [{ segments: { staff: { all: [] } } }],
        },
      },
    ]);
  });

  it('sends changes of a fallback, and the value that replaces a deleted one', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    const stream = await EventReader.open(shop, '/stream?environment=preview');
    await stream.next();
    await shop.set('theme', 'dark', 'staging');
    await shop.set('theme', 'light', 'preview');
    await shop.set('theme', 'light', 'staging');
    await shop.call('DELETE', '/values/theme?environment=preview');
    await shop.call('PATCH', `/environments/${shop.environments.preview}`, {
      fallbackEnvironmentId: shop.environments.production,
    });
    const changes = [];
    for (let count = 0; count < 4; count += 1) changes.push((await stream.next()).data.changes);
    const theme = { tier: 'feature_flag', key: 'theme' };
    expect(changes).toEqual([
      [{ ...theme, value: 'dark' }],
      [{ ...theme, value: 'light' }],
      [{ ...theme, value: 'light' }],
      [{ ...theme, deleted: true }],
    ]);
  });

  it('sends the value of the nearest fallback that has one when a value is deleted', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.addEnvironment('branch', 'preview');
    await shop.addEnvironment('leaf', 'branch');
    await shop.set('cartItems', 1, 'staging');
    await shop.set('cartItems', 2, 'preview');
    await shop.set('cartItems', 3, 'branch');
    const readers = await Promise.all(
      ['leaf', 'branch', 'preview', 'staging'].map((name) =>
        EventReader.open(shop, `/stream?environment=${name}`),
      ),
    );
    for (const reader of readers) await reader.next();
    const remove = (name: string) => shop.call('DELETE', `/values/cartItems?environment=${name}`);
    const changes = (reader: EventReader | undefined) => reader?.next().then(({ data }) => data.changes);
    const limit = { tier: 'limit', key: 'cartItems' };
    const [leaf, branch, preview, staging] = readers;
    await remove('branch');
    for (const reader of [leaf, branch]) expect(await changes(reader)).toEqual([{ ...limit, value: 2 }]);
    await remove('preview');
    for (const reader of [leaf, branch, preview]) {
      expect(await changes(reader)).toEqual([{ ...limit, value: 1 }]);
    }
    await remove('staging');
    for (const reader of readers) expect(await changes(reader)).toEqual([{ ...limit, deleted: true }]);
    expect(staging?.waiting).toBe(0);
  });

  it('resumes after the last event that a client saw', async () => {
    const shop = await startShop();
    const revision = (await shop.ruleset()).revision;
    await shop.set('theme', 'dark');
    await shop.set('cartItems', 5);
    const missed = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': revision });
    expect((await missed.next()).data.changes).toMatchObject([{ key: 'theme', value: 'dark' }]);
    const last = await missed.next();
    expect(last.data.changes).toMatchObject([{ key: 'cartItems', value: 5 }]);

    const current = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': String(last.id) });
    await current.comment();
    await shop.set('theme', 'light');
    expect((await current.next()).data.changes).toMatchObject([{ key: 'theme', value: 'light' }]);
  });

  it.each(['999999999', '-1', 'abc', '1.5', '9'.repeat(30)])(
    'starts over for an unknown event id: %s',
    async (id) => {
      const shop = await startShop();
      const stream = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': id });
      expect((await stream.next()).event).toBe('ruleset');
    },
  );

  it('resumes only within the epoch that the client names', async () => {
    const shop = await startShop();
    const { revision, epoch } = await shop.ruleset();
    await shop.set('theme', 'dark');
    const headers = { 'last-event-id': revision };
    const same = await EventReader.open(shop, `${DEVELOPMENT}&epoch=${epoch as unknown as string}`, headers);
    expect((await same.next()).event).toBe('change');
    const other = await EventReader.open(shop, `${DEVELOPMENT}&epoch=of-another-database`, headers);
    expect(await other.next()).toMatchObject({ event: 'ruleset', data: { epoch } });
  });

  it('starts over when the missed changes are no longer kept', async () => {
    const db = join(await temporaryDirectory(), 'config.db');
    const first = await startShop({ db });
    const { revision } = await first.ruleset();
    await first.server.close();
    // As after 1,000 writes, the number of changes that is kept.
    await appendChanges(db, first.environments.development ?? '', 1_000);
    const shop = await first.restart({ db });
    await shop.set('cartItems', 1);
    const stale = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': revision });
    expect((await stale.next()).event).toBe('ruleset');
    const recent = await EventReader.open(shop, DEVELOPMENT, {
      'last-event-id': String(Number(revision) + 1),
    });
    expect((await recent.next()).id).toBe(String(Number(revision) + 2));
  });

  it('starts over when the missed changes are larger than the ruleset', async () => {
    const shop = await startShop();
    const { revision } = await shop.ruleset();
    for (let count = 0; count < 6; count += 1)
      await shop.set('supportEmail', `${count}${'x'.repeat(200_000)}`);
    const stale = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': revision });
    expect((await stale.next()).event).toBe('ruleset');
    const recent = await EventReader.open(shop, DEVELOPMENT, {
      'last-event-id': String(Number(revision) + 2),
    });
    expect((await recent.next()).event).toBe('change');
  });

  it('gives every client each of many concurrent writes once, in order', async () => {
    const shop = await startShop();
    const early = await EventReader.open(shop, DEVELOPMENT);
    const start = await early.next();
    const writes = Array.from({ length: 80 }, (_, index) => shop.set('cartItems', index + 1));
    // Opened during the writes: its changes must follow its ruleset without a gap.
    const late = await EventReader.open(shop, DEVELOPMENT);
    const lateStart = await late.next();
    await Promise.all(writes);
    const end = Number((await shop.ruleset()).revision);
    expect(end).toBe(Number(start.id) + 80);
    for (const [reader, first] of [[early, start] as const, [late, lateStart] as const]) {
      let value = first.data as { limits?: { cartItems?: number } };
      for (let revision = Number(first.id) + 1; revision <= end; revision += 1) {
        const event = await reader.next();
        expect(event.id).toBe(String(revision));
        const [change] = event.data.changes as unknown as { value: number }[];
        value = { limits: { cartItems: change?.value ?? Number.NaN } };
      }
      expect(value.limits?.cartItems).toBe((await shop.ruleset()).limits?.cartItems);
      expect(reader.waiting).toBe(0);
    }
  });

  it('sends a comment at once if nothing was missed, so that a client knows that its stream works', async () => {
    // The first heartbeat would be too late.
    const shop = await startShop({ streams: { heartbeatMs: 3_600_000 } });
    const { revision } = await shop.ruleset();
    const stream = await EventReader.open(shop, DEVELOPMENT, { 'last-event-id': revision });
    await stream.comment();
    expect(stream.waiting).toBe(0);
  });

  it('sends comments while nothing happens', async () => {
    const shop = await startShop({ streams: { heartbeatMs: 20 } });
    const stream = await EventReader.open(shop, DEVELOPMENT);
    await stream.comment();
    expect((await stream.next()).event).toBe('ruleset');
  });

  it('ends when its client is revoked, its environment is deleted or the server closes', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m', scopes: ['config:read'] });
    const revoked = await EventReader.open(shop, DEVELOPMENT, {
      authorization: `Bearer ${await tokenOf(shop.server, client)}`,
    });
    await revoked.next();
    const id = await shop.addEnvironment('preview');
    const deleted = await EventReader.open(shop, '/stream?environment=preview');
    await deleted.next();
    const closed = await EventReader.open(shop, DEVELOPMENT);
    await closed.next();

    const revocation = await callApi(shop.server, `/auth-clients/${client.id}`, {
      token: shop.token,
      method: 'DELETE',
    });
    expect(revocation.status).toBe(204);
    await revoked.ended();
    await shop.call('DELETE', `/environments/${id}`);
    await deleted.ended();
    await shop.set('theme', 'dark');
    expect((await closed.next()).event).toBe('change');
    await shop.server.close();
    await closed.ended();
  });

  it('ends when its environment is renamed to one that the client may not use', async () => {
    const shop = await startShop();
    const id = await shop.addEnvironment('preview');
    const authorization = `Bearer ${await shop.tokenFor({ environments: ['preview', 'staging'] })}`;
    const limited = await EventReader.open(shop, '/stream?environment=preview', { authorization });
    const snapshots = await EventReader.open(shop, '/snapshot/stream?environment=preview', { authorization });
    const unlimited = await EventReader.open(shop, '/stream?environment=preview');
    for (const reader of [limited, snapshots, unlimited]) await reader.next();
    expect((await shop.call('PATCH', `/environments/${id}`, { name: 'vault' })).status).toBe(200);
    await limited.ended();
    await snapshots.ended();
    await shop.set('paymentKey', 'sk_live_12345678', 'preview');
    expect((await unlimited.next()).data).toMatchObject({ changes: [] });
    expect(JSON.stringify(await unlimited.next())).toContain('sk_live_12345678');
    for (const reader of [limited, snapshots]) {
      while (reader.waiting > 0) expect(JSON.stringify(await reader.next())).not.toContain('sk_live');
    }
  });

  it('starts over for a client of a deleted environment of the same name', async () => {
    const shop = await startShop();
    const open = (id: string) =>
      EventReader.open(shop, '/stream?environment=preview', { 'last-event-id': id });
    const old = await shop.addEnvironment('preview');
    await shop.set('theme', 'dark', 'preview');
    const { id } = await (await EventReader.open(shop, '/stream?environment=preview')).next();
    await shop.call('DELETE', `/environments/${old}`);
    await shop.addEnvironment('preview');
    expect(await (await open(id ?? '')).next()).toMatchObject({ event: 'ruleset', data: { flags: {} } });
    await shop.set('theme', 'light', 'preview');
    expect(await (await open(id ?? '')).next()).toMatchObject({
      event: 'ruleset',
      data: { flags: { theme: 'light' } },
    });
  });

  it('disconnects a client that does not read and serves the others', async () => {
    const shop = await startShop({ streams: { maxWaitingBytes: 64 * 1024 } });
    const reader = await EventReader.open(shop, DEVELOPMENT);
    await reader.next();
    const stalled = await openStalled(shop);
    for (let count = 0; !stalled.isClosed(); count += 1) {
      if (count === 400) throw new Error('The client that does not read was not disconnected.');
      await shop.set('supportEmail', `${count}${'x'.repeat(200_000)}`);
      expect((await reader.next()).event).toBe('change');
    }
  });

  it('is for machine clients only', async () => {
    const shop = await startShop();
    const { publishableKey } = await shop.makeClient({ type: 'b2m', allowedOrigins: ['http://shop.test'] });
    const headers = { origin: 'http://shop.test' };
    for (const path of [
      DEVELOPMENT,
      '/ruleset?environment=development',
      '/segments?environment=development',
    ]) {
      const response = await shop.call('GET', path, undefined, { token: publishableKey, headers });
      expect(response.status).toBe(403);
    }
  });
});

/** Adds revisions with an empty change each to a database that no server has open. */
async function appendChanges(db: string, environmentId: string, count: number): Promise<void> {
  const encryptionKey = await loadEncryptionKey({ file: db, env: {} });
  const storage = await openSqliteStorage({ file: db, encryptionKey });
  await storage.transaction(async (operations) => {
    const environment = await operations.findEnvironment(environmentId);
    if (environment === undefined) throw new Error('The environment is missing.');
    const at = new Date().toISOString();
    for (let index = 1; index <= count; index += 1) {
      const revision = environment.revision + index;
      await operations.appendChange({ environmentId, revision, changes: [], at });
    }
    await operations.updateEnvironment({ ...environment, revision: environment.revision + count });
  });
  await storage.close();
}

/** A connection that requests the stream and never reads the response. */
async function openStalled(shop: Shop): Promise<{ isClosed: () => boolean }> {
  const { hostname, port, host } = new URL(shop.server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  socket.pause();
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(
    `GET /organizations/${shop.server.organizationId}/config${DEVELOPMENT} HTTP/1.1\r\nHost: ${host}\r\n` +
      `Authorization: Bearer ${shop.token}\r\n\r\n`,
  );
  let closed = false;
  socket.on('error', () => {
    closed = true;
  });
  // A connection that is not read notices its end only when it sends something.
  const poke = setInterval(() => socket.write('\r\n'), 10);
  onTestFinished(() => clearInterval(poke));
  return { isClosed: () => closed };
}
