import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../test-support/postgres.ts';
import { startServer } from '../test-support/running-server.ts';
import { type ApiResponse, Shop, startShop } from '../test-support/shop-server.ts';

const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };

async function etagOf(shop: Shop, key: string, environment = 'development'): Promise<string> {
  const { headers } = await shop.call('GET', `/values/${key}?environment=${environment}`);
  return headers.get('etag') ?? 'none';
}

interface WriteOptions {
  environment?: string;
  token?: string;
  headers: Record<string, string>;
}

function put(
  shop: Shop,
  [key, value]: [string, string | boolean],
  options: WriteOptions,
): Promise<ApiResponse> {
  const { environment = 'development', ...call } = options;
  return shop.call('PUT', '/values', shop.write({ key, value, environment }), call);
}

describe('the ETag of a value', () => {
  it('is on reads and writes, and differs if the stored value does', async () => {
    const shop = await startShop();
    const written = await put(shop, ['theme', 'dark'], { headers: {} });
    const etag = await etagOf(shop, 'theme');
    expect(etag).toMatch(/^"[\w-]{16}"$/);
    expect(written.headers.get('etag')).toBe(etag);
    expect((await shop.call('GET', `/values/${written.id}`)).headers.get('etag')).toBe(etag);
    await shop.set('theme', 'light');
    expect(await etagOf(shop, 'theme')).not.toBe(etag);
    await shop.set('banner', 'dark');
    expect(await etagOf(shop, 'banner')).not.toBe(etag);
  });

  it('changes with targeting, although the value for the empty context stays the same', async () => {
    const shop = await startShop();
    const cohort = (country: string) => ({
      $cohort: {
        rules: [{ id: 'one', when: { attribute: 'country', op: 'in', values: [country] }, value: 'dark' }],
        defaultValue: 'light',
      },
    });
    await shop.set('theme', cohort('NL'));
    const etag = await etagOf(shop, 'theme');
    await shop.set('theme', cohort('DE'));
    expect(await etagOf(shop, 'theme')).not.toBe(etag);
  });

  it('of an inherited value is that of the fallback', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.set('paymentKey', 'sk_live_1234', 'staging');
    expect(await etagOf(shop, 'paymentKey', 'preview')).toBe(await etagOf(shop, 'paymentKey', 'staging'));
  });

  it('is not sent to a publishable key', async () => {
    const shop = await startShop();
    await shop.set('theme', 'dark');
    const origin = 'https://shop.test';
    const client = await shop.makeClient({ type: 'b2m', allowedOrigins: [origin] });
    const options = { token: client.publishableKey, headers: { origin } };
    const response = await shop.call('GET', '/values/theme?environment=development', undefined, options);
    expect([response.status, response.headers.get('etag')]).toEqual([200, null]);
  });
});

describe('If-Match', () => {
  it('lets a write through that knows the version, and names who wrote between', async () => {
    const shop = await startShop();
    await shop.set('theme', 'light');
    const stale = await etagOf(shop, 'theme');
    const token = await shop.tokenFor({ name: 'deploys', scopes: ['config:read', 'config:write'] });
    const first = await put(shop, ['theme', 'dark'], { token, headers: { 'if-match': stale } });
    expect(first.status).toBe(200);
    const late = await put(shop, ['theme', 'light'], { headers: { 'if-match': stale } });
    expect([late.status, late.body]).toEqual([
      412,
      {
        message: expect.stringMatching(
          /^"theme" in "development" has changed since it was read: the client "deploys" \(.+\) wrote it at 20.+Read it again/,
        ),
        version: first.headers.get('etag')?.slice(1, -1),
        updatedBy: first.body.updatedBy,
        updatedByName: 'deploys',
        updatedAt: first.body.updatedAt,
      },
    ]);
    const weak = { headers: { 'if-match': `W/${await etagOf(shop, 'theme')}` } };
    expect((await put(shop, ['theme', 'light'], weak)).status).toBe(412);
    const again = { headers: { 'if-match': `"x", W/"y" , ${await etagOf(shop, 'theme')}` } };
    expect((await put(shop, ['theme', 'light'], again)).status).toBe(200);
  });

  it('never repeats a secret in its refusal', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'sk_live_1234');
    const refused = await put(shop, ['paymentKey', 'sk_live_5678'], { headers: { 'if-match': '"other"' } });
    expect(refused.status).toBe(412);
    expect(refused.text).not.toContain('sk_live');
  });

  it('does not help a client that cannot read a secret to guess it', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.set('paymentKey', 'sk_live_1234', 'staging');
    const token = await shop.tokenFor({ scopes: ['config:write'] });
    const options = { environment: 'preview', token };
    const refused = await put(shop, ['paymentKey', 'sk_live_0000'], {
      ...options,
      headers: { 'if-match': '"x"' },
    });
    expect(refused.status).toBe(412);
    // Who wrote it is there, but no version to compare with that of a guess.
    expect(refused.body).toHaveProperty('updatedBy');
    expect(refused.body).not.toHaveProperty('version');
    const guessed = await put(shop, ['paymentKey', 'sk_live_1234'], { ...options, headers: {} });
    expect([guessed.status, guessed.headers.get('etag')]).toEqual([200, null]);
    const path = '/values/paymentKey?environment=preview&force=true';
    const kept = await shop.call('DELETE', path, undefined, { token, headers: { 'if-match': '"x"' } });
    expect([kept.status, 'version' in kept.body]).toEqual([412, false]);
    // Anything but a secret is not worth guessing.
    const theme = await put(shop, ['theme', 'dark'], { ...options, headers: {} });
    expect(theme.headers.get('etag')).not.toBeNull();
  });

  it('is about the value that the environment serves, also if it is inherited', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.set('theme', 'dark', 'staging');
    const options = {
      environment: 'preview',
      headers: { 'if-match': await etagOf(shop, 'theme', 'preview') },
    };
    await shop.set('theme', 'light', 'staging');
    expect((await put(shop, ['theme', 'dark'], options)).status).toBe(412);
    options.headers['if-match'] = await etagOf(shop, 'theme', 'preview');
    expect((await put(shop, ['theme', 'dark'], options)).status).toBe(200);
  });

  it('refuses a write to a value that is gone, and * needs any value', async () => {
    const shop = await startShop();
    const gone = await put(shop, ['theme', 'dark'], { headers: { 'if-match': '"some"' } });
    expect([gone.status, gone.body.message]).toEqual([412, expect.stringContaining('has no value')]);
    expect((await put(shop, ['theme', 'dark'], { headers: { 'if-match': '*' } })).status).toBe(412);
    await shop.set('theme', 'light');
    expect((await put(shop, ['theme', 'dark'], { headers: { 'if-match': ' * ' } })).status).toBe(200);
  });

  it('is honoured by deletions by key and by id', async () => {
    const shop = await startShop();
    const { id } = await shop.set('theme', 'light');
    const stale = { headers: { 'if-match': await etagOf(shop, 'theme') } };
    await shop.set('theme', 'dark');
    for (const path of ['/values/theme?environment=development', `/values/${id}`]) {
      expect((await shop.call('DELETE', path, undefined, stale)).status).toBe(412);
    }
    const fresh = { headers: { 'if-match': await etagOf(shop, 'theme') } };
    expect((await shop.call('DELETE', `/values/${id}`, undefined, fresh)).status).toBe(204);
  });

  it.each([
    ['if-match', 'unquoted'],
    ['if-match', ''],
    ['if-match', '"one" "two"'],
    ['if-match', Array.from({ length: 21 }, (_, index) => `"${index}"`).join()],
    ['if-none-match', '"some"'],
  ])('a condition that is not understood is refused, not ignored: %s: %s', async (name, value) => {
    const shop = await startShop();
    const response = await put(shop, ['theme', 'dark'], { headers: { [name]: value } });
    expect([response.status, response.body.message]).toEqual([400, expect.stringMatching(/^Header "If-/)]);
  });

  it('is refused for several values at once', async () => {
    const shop = await startShop();
    const body = { values: [shop.write({ key: 'theme', value: 'dark' })] };
    for (const name of ['if-match', 'if-none-match']) {
      const response = await shop.call('PUT', '/values/bulk', body, { headers: { [name]: '*' } });
      expect([response.status, response.body.message]).toEqual([
        400,
        expect.stringContaining('PUT …/values'),
      ]);
    }
  });

  it('is never required', async () => {
    const shop = await startShop();
    await shop.set('theme', 'light');
    await shop.set('theme', 'dark');
  });
});

it('If-None-Match: * creates a value of the environment and replaces none', async () => {
  const shop = await startShop();
  await shop.addEnvironment('preview', 'staging');
  await shop.set('theme', 'light', 'staging');
  const create = { environment: 'preview', headers: { 'if-none-match': '*' } };
  expect((await put(shop, ['theme', 'dark'], create)).status).toBe(200);
  const second = await put(shop, ['theme', 'light'], create);
  expect([second.status, second.body.message]).toEqual([412, expect.stringContaining('has a value already')]);
});

it('both conditions of a write must hold', async () => {
  const shop = await startShop();
  await shop.addEnvironment('preview', 'staging');
  await shop.set('theme', 'light', 'staging');
  const etag = await etagOf(shop, 'theme', 'preview');
  const statuses: number[] = [];
  for (const tag of ['"other"', etag, etag]) {
    const headers = { 'if-match': tag, 'if-none-match': '*' };
    statuses.push((await put(shop, ['theme', 'light'], { environment: 'preview', headers })).status);
  }
  // The last one would replace what the one before has created.
  expect(statuses).toEqual([412, 200, 412]);
});

const ascending = (one: number, other: number): number => one - other;

/** Each of these writers has read the same version. */
async function race(shops: readonly Shop[]): Promise<void> {
  const [shop] = shops;
  if (shop === undefined) throw new Error('A race needs a shop.');
  for (let round = 0; round < 5; round += 1) {
    await shop.set('banner', `start ${round}`);
    const headers = { 'if-match': await etagOf(shop, 'banner') };
    const writes = Array.from({ length: 8 }, (_, index) =>
      put(shops[index % shops.length] ?? shop, ['banner', `${round}.${index}`], { headers }),
    );
    const statuses = (await Promise.all(writes)).map(({ status }) => status);
    expect(statuses.sort(ascending)).toEqual([200, ...Array.from({ length: 7 }, () => 412)]);
    const creates = { environment: 'staging', headers: { 'if-none-match': '*' } };
    const created = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        put(shops[index % shops.length] ?? shop, ['banner', `${index}`], creates),
      ),
    );
    expect(created.map(({ status }) => status).sort(ascending)).toEqual([200, 412, 412, 412]);
    await shop.call('DELETE', '/values/banner?environment=staging');
  }
}

describe('of writers with the same ETag, exactly one wins', { timeout: 300_000 }, () => {
  it('with SQLite', async () => race([await startShop()]));

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
