import { randomBytes } from 'node:crypto';
import type { Condition } from '@smooai/config';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../test-support/postgres.ts';
import { startServer } from '../test-support/running-server.ts';
import { Shop, shopDocument, startShop } from '../test-support/shop-server.ts';

const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
const SEGMENT = '/segments/staff?environment=development';
const domain = (name: string): Condition => ({
  attribute: 'email',
  op: 'endsWith',
  values: [`@${name}.test`],
});

function etag({ headers }: { headers: Headers }): string {
  return headers.get('etag') ?? 'none';
}

const matching = (tag: string) => ({ headers: { 'if-match': tag } });

describe('the ETag of a segment', () => {
  it('is on reads and writes, and depends on what it says alone', async () => {
    const shop = await startShop();
    const written = await shop.putSegment('staff', domain('shop'));
    const read = await shop.call('GET', SEGMENT);
    expect([read.status, read.body]).toEqual([200, written.body]);
    expect(etag(written)).toMatch(/^"[\w-]{16}"$/);
    expect(etag(read)).toBe(etag(written));
    expect(etag(await shop.putSegment('staff', domain('other')))).not.toBe(etag(written));
    const described = await shop.call('PUT', SEGMENT, { condition: domain('shop'), description: 'ours' });
    expect(etag(described)).not.toBe(etag(written));
    expect(etag(await shop.putSegment('staff', domain('shop')))).toBe(etag(written));
  });

  it('of an inherited segment is that of the fallback; a name without a segment is 404', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    const written = await shop.putSegment('staff', domain('shop'), 'staging');
    const read = await shop.call('GET', '/segments/staff?environment=preview');
    expect(etag(read)).toBe(etag(written));
    expect(read.body.environmentId).toBe(shop.environments.staging);
    const missing = await shop.call('GET', '/segments/guests?environment=preview');
    expect([missing.status, missing.body.message]).toEqual([404, '"preview" has no segment "guests".']);
  });
});

describe('a write of a segment', () => {
  it('with If-Match is done only for that version, and the refusal names who wrote between', async () => {
    const shop = await startShop();
    const stale = matching(etag(await shop.putSegment('staff', domain('shop'))));
    const token = await shop.tokenFor({ name: 'deploys', scopes: ['config:read', 'config:write'] });
    const body = { condition: domain('other') };
    const first = await shop.call('PUT', SEGMENT, body, { ...stale, token });
    expect(first.status).toBe(200);
    const late = await shop.call('PUT', SEGMENT, { condition: domain('late') }, stale);
    expect([late.status, late.body]).toEqual([
      412,
      {
        message: expect.stringMatching(
          /^The segment "staff" of "development" has changed since it was read: the client "deploys" \(.+\) wrote it at 20/,
        ),
        version: etag(first).slice(1, -1),
        updatedBy: first.body.updatedBy,
        updatedByName: 'deploys',
        updatedAt: first.body.updatedAt,
      },
    ]);
    expect((await shop.call('DELETE', SEGMENT, undefined, stale)).status).toBe(412);
    expect((await shop.call('GET', SEGMENT)).body.condition).toEqual(domain('other'));
    expect((await shop.call('DELETE', SEGMENT, undefined, matching(etag(first)))).status).toBe(204);
  });

  it('with If-None-Match: * creates one of the environment and replaces none', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.putSegment('staff', domain('shop'), 'staging');
    const path = '/segments/staff?environment=preview';
    const create = { headers: { 'if-none-match': '*' } };
    const gone = await shop.call('PUT', SEGMENT, { condition: domain('new') }, matching('*'));
    expect([gone.status, gone.body.message]).toEqual([412, expect.stringContaining('does not exist')]);
    expect((await shop.call('PUT', path, { condition: domain('new') }, create)).status).toBe(200);
    const second = await shop.call('PUT', path, { condition: domain('new') }, create);
    expect([second.status, second.body.message]).toEqual([412, expect.stringContaining('exists already')]);
  });

  it('with If-Match is about the segment that the environment sees, also if it is inherited', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    const path = '/segments/staff?environment=preview';
    const stale = matching(etag(await shop.putSegment('staff', domain('shop'), 'staging')));
    const fresh = matching(etag(await shop.putSegment('staff', domain('other'), 'staging')));
    const body = { condition: domain('new') };
    const late = await shop.call('PUT', path, body, stale);
    expect([late.status, late.body.message]).toEqual([412, expect.stringContaining('has changed since')]);
    expect((await shop.call('PUT', path, body, fresh)).status).toBe(200);
    expect((await shop.call('GET', '/segments/staff?environment=staging')).body.condition).toEqual(
      domain('other'),
    );
  });

  it('with a condition that is not understood is refused', async () => {
    const shop = await startShop();
    const malformed = await shop.call('PUT', SEGMENT, { condition: domain('new') }, matching('unquoted'));
    expect(malformed.status).toBe(400);
  });
});

describe('a write of a schema', () => {
  it('has an ETag, like a read, that depends on what the schema says alone', async () => {
    const shop = await startShop();
    const path = `/schemas/${shop.schema.id}`;
    const read = await shop.call('GET', path);
    expect(etag(read)).toMatch(/^"[\w-]{16}"$/);
    const renamed = await shop.call('PATCH', path, { description: 'ours' });
    expect(etag(renamed)).not.toBe(etag(read));
    expect(etag(await shop.call('GET', path))).toBe(etag(renamed));
    const pushed = await shop.call('POST', `${path}/push`, { jsonSchema: shopDocument() });
    expect([pushed.body.version, etag(pushed)]).toEqual([2, etag(renamed)]);
    const named = await shop.call('PATCH', path, { name: 'store' });
    expect(etag(named)).not.toBe(etag(renamed));
    expect(etag(await shop.call('PATCH', path, { name: 'shop' }))).toBe(etag(renamed));
    const created = await shop.call('POST', '/schemas', { name: 'empty' });
    expect(etag(await shop.call('GET', `/schemas/${created.id}`))).toBe(etag(created));
  });

  it('with If-None-Match: * never replaces one', async () => {
    const shop = await startShop();
    const create = { headers: { 'if-none-match': '*' } };
    const refused = await shop.call('PATCH', `/schemas/${shop.schema.id}`, { name: 'store' }, create);
    expect([refused.status, refused.body.message]).toEqual([412, expect.stringContaining('exists already')]);
  });

  it('with If-Match is done only for that version, and the refusal names who pushed between', async () => {
    const shop = await startShop();
    const path = `/schemas/${shop.schema.id}`;
    const stale = matching(etag(await shop.call('GET', path)));
    const jsonSchema = shopDocument();
    const changed = { ...jsonSchema, title: 'The shop' };
    const token = await shop.tokenFor({ name: 'deploys', scopes: ['config:read', 'config:write'] });
    const first = await shop.call('POST', `${path}/push`, { jsonSchema: changed }, { ...stale, token });
    expect(first.status, first.text).toBe(200);
    const writes: [string, string, unknown][] = [
      ['POST', `${path}/push`, { jsonSchema }],
      ['PATCH', path, { name: 'store' }],
      ['DELETE', `${path}?force=true`, undefined],
    ];
    for (const [method, url, body] of writes) {
      const late = await shop.call(method, url, body, stale);
      expect([late.status, late.body.updatedByName], method).toEqual([412, 'deploys']);
      expect(late.body.message).toMatch(
        /^The schema "shop" has changed since it was read: the client "deploys"/,
      );
    }
    expect((await shop.call('GET', path)).body).toMatchObject({ name: 'shop', currentVersion: 2 });
    const renamed = await shop.call('PATCH', path, { name: 'store' }, matching(etag(first)));
    expect(renamed.status).toBe(200);
    // Nobody is named for a new name: only pushes are recorded.
    const later = await shop.call('DELETE', path, undefined, stale);
    expect([later.status, later.body.updatedBy]).toEqual([412, undefined]);
    expect(later.body.message).toContain(`it was written at ${later.body.updatedAt as string}.`);
    expect(later.body.updatedAt).toBe(renamed.body.updatedAt);
    expect((await shop.call('DELETE', path, undefined, matching(etag(renamed)))).status).toBe(204);
  });
});

const ascending = (one: number, other: number): number => one - other;

/** Each of these writers has read the same version. */
async function race(shops: readonly [Shop, Shop]): Promise<void> {
  const [shop] = shops;
  const push = `/schemas/${shop.schema.id}/push`;
  const { headers } = matching(etag(await shop.call('GET', `/schemas/${shop.schema.id}`)));
  const jsonSchema = shopDocument();
  const pushes = Array.from({ length: 6 }, (_, index) =>
    (shops[index % 2] as Shop).call(
      'POST',
      push,
      { jsonSchema: { ...jsonSchema, title: `${index}` } },
      { headers },
    ),
  );
  expect((await Promise.all(pushes)).map(({ status }) => status).sort(ascending)).toEqual([
    200, 412, 412, 412, 412, 412,
  ]);
  const before = matching(etag(await shop.putSegment('staff', domain('shop'))));
  const writes = Array.from({ length: 6 }, (_, index) =>
    (shops[index % 2] as Shop).call('PUT', SEGMENT, { condition: domain(`n${index}`) }, before),
  );
  expect((await Promise.all(writes)).map(({ status }) => status).sort(ascending)).toEqual([
    200, 412, 412, 412, 412, 412,
  ]);
}

describe('of writers with the same ETag, exactly one wins', { timeout: 300_000 }, () => {
  it('with SQLite', async () => {
    const shop = await startShop();
    await race([shop, shop]);
  });

  describe.skipIf(!hasPostgres)('PostgreSQL (left out if it is not installed)', () => {
    let postgres: TestPostgres;
    beforeAll(async () => {
      postgres = await startPostgres();
      return () => postgres.remove();
    }, 60_000);

    it('with PostgreSQL, at several servers', async () => {
      const database = await postgres.createDatabase();
      const shop = await startShop({ database, env });
      const other = await startServer({ database, env });
      const { token, schema, environments } = shop;
      await race([shop, new Shop(other, { token, schema, environments })]);
    });
  });
});
