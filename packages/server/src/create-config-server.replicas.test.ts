import { beforeAll, describe, expect, it } from 'vitest';
import { EventReader } from './test-support/event-reader.ts';
import { hasPostgres, startPostgres, type TestPostgres } from './test-support/postgres.ts';
import { startReplicas } from './test-support/replicas.ts';
import { callApi, grant, postForm, tokenOf } from './test-support/running-server.ts';
import type { Shop } from './test-support/shop-server.ts';

const STREAMS = ['/stream?environment=development', '/snapshot/stream?environment=development'];
const [STREAM = ''] = STREAMS;

/** Generous, because the machine may be busy: nothing waits for it to pass. */
const SOON = { timeout: 30_000, interval: 20 };

/** Each test starts several servers. */
const SLOW = { timeout: 120_000 };

function open(shop: Shop, path: string, token: string): Promise<EventReader> {
  return EventReader.open(shop, path, { authorization: `Bearer ${token}` });
}

describe.skipIf(!hasPostgres)('replicas on PostgreSQL (left out if it is not installed)', SLOW, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });

  it('stream the writes of all, each change once and in the order of the revisions', async () => {
    const { shops } = await startReplicas(postgres, { count: 3 });
    const streams = await Promise.all(shops.map((shop) => EventReader.open(shop, STREAM)));
    const starts = await Promise.all(streams.map((stream) => stream.next()));
    const writes = 30;
    await Promise.all(
      Array.from({ length: writes }, (_, index) =>
        (shops[index % 3] as Shop).set(
          index % 2 ? 'supportEmail' : 'apiBaseUrl',
          `https://shop.test/${index}`,
        ),
      ),
    );
    for (const [index, stream] of streams.entries()) {
      let revision = Number(starts[index]?.id);
      for (let count = 0; count < writes; count += 1) {
        const { data } = await stream.next();
        expect(data).toMatchObject({ revision: String(revision + 1), previousRevision: String(revision) });
        revision += 1;
      }
    }
    const rulesets = await Promise.all(shops.map((shop) => shop.ruleset()));
    expect(rulesets[1]).toEqual(rulesets[0]);
    expect(rulesets[2]).toEqual(rulesets[0]);
  });

  it('read their own writes at once', async () => {
    const { shops } = await startReplicas(postgres);
    for (let round = 0; round < 10; round += 1) {
      const shop = shops[round % 2] as Shop;
      await shop.set('supportEmail', `round-${round}@shop.test`);
      expect((await shop.ruleset()).public?.supportEmail).toBe(`round-${round}@shop.test`);
    }
  });

  it('share the epoch, so that a client may go from one to another', async () => {
    const { shops } = await startReplicas(postgres);
    const [first, second] = shops;
    await first.set('theme', 'dark');
    const { revision, ...ruleset } = await first.ruleset();
    const epoch = JSON.stringify(ruleset.epoch).slice(1, -1);
    const headers = { 'if-none-match': `"${revision}"` };
    const path = `/ruleset?environment=development&epoch=${epoch}`;
    expect((await second.call('GET', path, undefined, { headers })).status).toBe(304);
    const stream = await EventReader.open(second, `${STREAM}&epoch=${epoch}`, {
      'last-event-id': revision,
    });
    await stream.comment();
    await first.set('theme', 'light');
    expect((await stream.next()).event).toBe('change');
  });

  it('apply schema pushes, segments and fallbacks of others', async () => {
    const { shops } = await startReplicas(postgres);
    const [first, second] = shops;
    await second.addEnvironment('preview', 'development');
    const snapshot = () =>
      second.call('POST', '/snapshot', { environment: 'preview', context: { email: 'a@shop.test' } });
    const limits = async () => (await snapshot()).body.limits;
    expect(await limits()).toMatchObject({ cartItems: { value: 20 } });
    const { jsonSchema } = first.schema;
    const pushed = structuredClone(jsonSchema) as unknown as {
      properties: { limitsSchema: { properties: { cartItems: { default: number } } } };
    };
    pushed.properties.limitsSchema.properties.cartItems.default = 30;
    await first.call('POST', `/schemas/${first.schema.id}/push`, { jsonSchema: pushed });
    await expect.poll(limits, SOON).toMatchObject({ cartItems: { value: 30 } });
    await first.set('cartItems', 40);
    await expect.poll(limits, SOON).toMatchObject({ cartItems: { value: 40 } });
    await first.putSegment('staff', { attribute: 'email', op: 'endsWith', values: ['@shop.test'] });
    const rules = [{ id: 'staff', when: { segment: 'staff' }, value: 'dark' }];
    await first.set('theme', { $cohort: { rules, defaultValue: 'light' } } as never);
    const theme = async () => (await snapshot()).body.flags;
    await expect.poll(theme, SOON).toMatchObject({ theme: { value: 'dark' } });
  });

  describe.each(STREAMS)('%s', (path) => {
    it('ends at every replica when its client is revoked at one', async () => {
      const { shops } = await startReplicas(postgres);
      const [first, second] = shops;
      const client = await first.makeClient({ type: 'm2m' });
      const token = await tokenOf(second.server, client);
      const stream = await open(second, path, token);
      await stream.next();
      await callApi(first.server, `/auth-clients/${client.id}`, { token: first.token, method: 'DELETE' });
      await stream.ended();
      expect((await second.call('GET', path, undefined, { token })).status).toBe(401);
      expect((await postForm(`${second.server.url}/token`, grant(client))).status).toBe(401);
    });

    it('ends at every replica when its token is revoked at one; other tokens keep theirs', async () => {
      const { shops } = await startReplicas(postgres);
      const [first, second] = shops;
      const client = await first.makeClient({ type: 'm2m' });
      const [revoked, other] = [await tokenOf(first.server, client), await tokenOf(second.server, client)];
      const [stream, lives] = [await open(second, path, revoked), await open(second, path, other)];
      for (const one of [stream, lives]) await one.next();
      await postForm(`${first.server.url}/revoke`, { ...grant(client), token: revoked });
      await stream.ended();
      expect((await second.call('GET', path, undefined, { token: revoked })).status).toBe(401);
      await first.set('theme', 'dark');
      expect(JSON.stringify(await lives.next())).toContain('dark');
    });

    it('ends at every replica when its client loses a scope at one', async () => {
      const { shops } = await startReplicas(postgres);
      const [first, second] = shops;
      const client = await first.makeClient({ type: 'm2m', scopes: ['config:read', 'config:write'] });
      const token = await tokenOf(second.server, client);
      const stream = await open(second, path, token);
      await stream.next();
      const body = { scopes: ['config:read'] };
      await callApi(first.server, `/auth-clients/${client.id}`, {
        token: first.token,
        method: 'PATCH',
        body,
      });
      await stream.ended();
      const write = second.write({ key: 'theme', value: 'dark' });
      expect((await second.call('PUT', '/values', write, { token })).status).toBe(403);
    });

    it('ends at every replica when its environment is deleted, or renamed away from its client, at one', async () => {
      const { shops } = await startReplicas(postgres);
      const [first, second] = shops;
      const id = await first.addEnvironment('preview');
      const token = await first.tokenFor({ environments: ['preview'] });
      const inPreview = path.replace('development', 'preview');
      const [limited, admin] = [
        await open(second, inPreview, token),
        await EventReader.open(second, inPreview),
      ];
      for (const one of [limited, admin]) await one.next();
      await first.call('PATCH', `/environments/${id}`, { name: 'other' });
      await limited.ended();
      await first.call('DELETE', `/environments/${id}`);
      await admin.ended();
      expect((await second.call('GET', inPreview)).status).toBe(404);
    });
  });

  it('find what they missed while their connections were cut', async () => {
    const { shops, database } = await startReplicas(postgres);
    const [first, second] = shops;
    const stream = await EventReader.open(second, STREAM);
    await stream.next();
    for (let round = 0; round < 5; round += 1) {
      await postgres.query(
        database,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'smooai-config-server'",
      );
      const value = `round-${round}@shop.test`;
      // The write itself may hit a connection that was cut.
      await expect
        .poll(
          async () =>
            (await first.call('PUT', '/values', first.write({ key: 'supportEmail', value }))).status,
          SOON,
        )
        .toBe(200);
      await expect.poll(async () => (await stream.next()).data.changes, SOON).toMatchObject([{ value }]);
    }
  });

  it.each([
    ['a failover has lost writes', 'update environments set revision = revision - 1'],
    [
      'a dump was restored',
      'alter table facts rename to old; create table facts as select * from old; alter table facts add primary key (name)',
    ],
  ])('begin a new epoch when %s, and their streams begin again', async (_, statement) => {
    const { shops, database } = await startReplicas(postgres);
    const [first, second] = shops;
    await first.set('theme', 'dark');
    const { epoch } = await second.ruleset();
    const streams = [await EventReader.open(first, STREAM), await EventReader.open(second, STREAM)];
    for (const stream of streams) await stream.next();
    await postgres.query(database, statement);
    await postgres.query(
      database,
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'smooai-config-server'",
    );
    for (const stream of streams) await stream.ended();
    const epochs = () => Promise.all(shops.map(async (shop) => (await shop.ruleset()).epoch));
    await expect.poll(async () => new Set(await epochs()).size, SOON).toBe(1);
    expect((await epochs())[0]).not.toBe(epoch);
  });
});
