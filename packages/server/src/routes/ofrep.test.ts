import { describe, expect, it } from 'vitest';
import { type Shop, sharedShop, startShop } from '../test-support/shop-server.ts';

const ORIGIN = 'https://shop.example';
const PATH = '/ofrep/v1/evaluate/flags';

interface Call {
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function call(shop: Shop, { path = '', body = {}, headers = {} }: Call = {}) {
  const response = await fetch(`${shop.server.url}${PATH}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${shop.token}`,
      'x-config-environment': 'development',
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: response.status, body: json, headers: response.headers };
}

const insiders = (value: boolean) => ({
  $cohort: {
    rules: [{ id: 'insiders', when: { attribute: 'userId', op: 'in', values: ['u-1'] }, value }],
    rollout: { variants: [{ value, weight: 50 }] },
    defaultValue: !value,
  },
});

describe('one flag', () => {
  it('has its value, reason, variant and metadata, for the targeting key as the user', async () => {
    const shop = await startShop();
    await shop.set('newCheckout', insiders(true));
    const evaluate = async (targetingKey: string) =>
      (await call(shop, { path: '/newCheckout', body: { context: { targetingKey } } })).body;
    const { revision } = await shop.ruleset();
    expect(await evaluate('u-1')).toEqual({
      key: 'newCheckout',
      value: true,
      reason: 'TARGETING_MATCH',
      variant: 'on',
      metadata: { revision, environment: 'development', ruleId: 'insiders' },
    });
    const others = await Promise.all(Array.from({ length: 40 }, (_, index) => evaluate(`other-${index}`)));
    expect(new Set(others.map(({ reason, value }) => `${String(reason)} ${String(value)}`))).toEqual(
      new Set(['SPLIT true', 'DEFAULT false']),
    );
  });

  it('may be a limit or a public value, and leaves the value out if the default of the code applies', async () => {
    const shop = await startShop();
    await shop.set('cartItems', 25);
    await shop.set('supportEmail', 'shop@example.com');
    const read = async (key: string) => (await call(shop, { path: `/${key}` })).body;
    expect(await read('cartItems')).toMatchObject({ value: 25, reason: 'STATIC', variant: '25' });
    expect(await read('supportEmail')).toMatchObject({ value: 'shop@example.com', reason: 'STATIC' });
    expect(await read('theme')).toMatchObject({ value: 'light', reason: 'DEFAULT' });
    const banner = await read('banner');
    expect([banner.reason, 'value' in banner]).toEqual(['DEFAULT', false]);
  });
});

describe('all flags', () => {
  it('leave out secrets, and are not sent again while nothing changed for the context', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'a secret of the shop');
    const first = await call(shop, { body: { context: { targetingKey: 'u-1' } } });
    const etag = first.headers.get('etag') ?? '';
    const keys = (first.body.flags as { key: string }[]).map(({ key }) => key);
    expect(keys.sort()).toEqual(
      ['apiBaseUrl', 'banner', 'cartItems', 'contact', 'newCheckout', 'rate', 'supportEmail', 'theme'].sort(),
    );
    expect(JSON.stringify(first.body)).not.toContain('secret of the shop');
    const again = (context: object) =>
      call(shop, { body: { context }, headers: { 'if-none-match': `"other", W/${etag}` } });
    expect((await again({ targetingKey: 'u-1' })).status).toBe(304);
    expect((await again({ targetingKey: 'u-2' })).status).toBe(200);
    await shop.set('newCheckout', true);
    const next = await again({ targetingKey: 'u-1' });
    expect([next.status, next.headers.get('etag') === etag]).toEqual([200, false]);
  });
});

describe('the environment', () => {
  it('is that of the credential, or the one of the header', async () => {
    const shop = await startShop();
    await shop.set('newCheckout', true, 'staging');
    const token = await shop.tokenFor({ environments: ['staging'] });
    const authorization = `Bearer ${token}`;
    const own = await call(shop, {
      path: '/newCheckout',
      headers: { authorization, 'x-config-environment': '' },
    });
    expect(own.body).toMatchObject({ value: true, metadata: { environment: 'staging' } });
    const other = await call(shop, { path: '/newCheckout', headers: { authorization } });
    expect([other.status, other.body.key]).toEqual([403, 'newCheckout']);
  });
});

describe('a refusal', () => {
  const shared = sharedShop();

  it.each([
    ['an unknown key', { path: '/noSuchFlag' }, 404, 'FLAG_NOT_FOUND'],
    ['a secret', { path: '/paymentKey' }, 404, 'FLAG_NOT_FOUND'],
    ['a context that is not an object', { path: '/theme', body: { context: 'u-1' } }, 400, 'INVALID_CONTEXT'],
    ['a context that is too large', { body: { context: { a: 'x'.repeat(9_000) } } }, 400, 'INVALID_CONTEXT'],
    ['a body that is not JSON', { body: '{' }, 400, 'PARSE_ERROR'],
    ['a body that is a list', { body: [] }, 400, 'PARSE_ERROR'],
    ['an unknown environment', { headers: { 'x-config-environment': 'nowhere' } }, 400, 'GENERAL'],
    ['no environment', { path: '/theme', headers: { 'x-config-environment': '' } }, 400, 'GENERAL'],
    ['no valid token', { headers: { authorization: 'Bearer nonsense' } }, 401, undefined],
  ])('of %s has the status and form of the protocol', async (_, request: Call, status, errorCode) => {
    const { body, ...response } = await call(await shared(), request);
    expect([response.status, body.errorCode]).toEqual([status, errorCode]);
    expect(body.key).toBe(request.path?.slice(1));
    expect(typeof body.errorDetails).toBe('string');
    expect(Object.keys(body)).not.toContain('message');
  });
});

describe('a publishable key', () => {
  it('works as X-API-Key from its origins only, and the page can read the refusal', async () => {
    const shop = await startShop();
    const { publishableKey } = await shop.makeClient({ type: 'b2m', allowedOrigins: [ORIGIN] });
    const read = async (origin: string) => {
      const response = await fetch(`${shop.server.url}${PATH}`, {
        method: 'POST',
        headers: {
          'x-api-key': publishableKey,
          'x-config-environment': 'development',
          'content-type': 'application/json',
          origin,
        },
        body: '{}',
      });
      const { headers, status } = response;
      const exposed = headers.get('access-control-expose-headers')?.includes('ETag');
      return [status, headers.get('access-control-allow-origin'), exposed];
    };
    expect(await read(ORIGIN)).toEqual([200, ORIGIN, true]);
    expect(await read('https://other.example')).toEqual([403, 'https://other.example', true]);
  });

  it('may be sent by a page after a preflight', async () => {
    const shop = await startShop();
    const preflight = await fetch(`${shop.server.url}${PATH}`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-api-key,x-config-environment,content-type,if-none-match',
      },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase();
    for (const header of ['x-api-key', 'x-config-environment', 'if-none-match'])
      expect(allowed).toContain(header);
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });
});
