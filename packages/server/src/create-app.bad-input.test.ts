import { describe, expect, it } from 'vitest';
import { callApi } from './test-support/running-server.ts';
import { type ApiResponse, type Shop, sharedShop, startShop } from './test-support/shop-server.ts';

type Body = Record<string, unknown>;
/** The value is undefined to leave the field out; `named` is what the message must name if not the field. */
type Case = readonly [field: string, value: unknown, named?: string];

const HOSTILE: readonly unknown[] = [undefined, null, 0, true, '', [], {}, ['a'], { a: 1 }];
const BAD_BODIES: readonly unknown[] = [undefined, null, 0, 'text', true, [], [[]]];

function cases(field: string, ...allowed: unknown[]): Case[] {
  const good = new Set(allowed.map((value) => JSON.stringify(value)));
  return HOSTILE.filter((value) => !good.has(JSON.stringify(value))).map((value) => [field, value] as const);
}

function expectRefusal(response: ApiResponse, what: string, named?: string): void {
  expect(response.status, `${what}: ${response.text}`).toBeGreaterThanOrEqual(400);
  expect(response.status, `${what}: ${response.text}`).toBeLessThan(500);
  expect(response.body.message, what).toEqual(expect.any(String));
  expect(response.text, what).not.toMatch(/\bat .*\.ts|node_modules|internal error/);
  if (named !== undefined) expect(response.body.message, what).toContain(named);
}

interface Endpoint {
  name: string;
  method: string;
  path: (shop: Shop) => string;
  body: (shop: Shop) => Body;
  cases: Case[];
}

const context: Case[] = cases('context', undefined, {}, { a: 1 });
const environment: Case[] = [
  ...cases('environment'),
  ['environment', 'nowhere'],
  ['environment', '__proto__'],
];
const ENDPOINTS: Endpoint[] = [
  {
    name: 'PUT /values',
    method: 'PUT',
    path: () => '/values',
    body: (shop) => shop.write({ key: 'theme', value: 'dark' }),
    cases: [
      ...cases('schemaId'),
      ['schemaId', 'x'.repeat(500)],
      ...cases('environmentId'),
      ...cases('key'),
      ['key', '__proto__'],
      ['key', 'x'.repeat(5_000)],
      ...cases('tier'),
      ...cases('value'),
    ],
  },
  {
    name: 'PUT /values/bulk',
    method: 'PUT',
    path: () => '/values/bulk',
    body: (shop) => ({ values: [shop.write({ key: 'theme', value: 'dark' })] }),
    cases: [
      ...cases('values', []),
      ['values', [null], 'values[0]'],
      ['values', [{}], 'values[0].schemaId'],
      ['values', Array.from({ length: 1_001 }, () => ({})), 'values'],
    ],
  },
  {
    name: 'POST /schemas',
    method: 'POST',
    path: () => '/schemas',
    body: () => ({ name: 'other' }),
    cases: [
      ...cases('name'),
      ['name', '  '],
      ['name', 'a\u0000b'],
      ['name', 'a\ud800b'],
      ['description', 'a\u0000b'],
      ['description', 'a\ud800b'],
      ['name', 'x'.repeat(101)],
      ...cases('description', undefined, null, ''),
      ['description', 'x'.repeat(2_001)],
      ...cases('jsonSchema', undefined),
    ],
  },
  {
    name: 'PATCH /schemas/{id}',
    method: 'PATCH',
    path: (shop) => `/schemas/${shop.schema.id}`,
    body: () => ({ name: 'other' }),
    cases: [...cases('name', undefined), ...cases('description', undefined, null, ''), ['jsonSchema', {}]],
  },
  {
    name: 'POST /schemas/{id}/push',
    method: 'POST',
    path: (shop) => `/schemas/${shop.schema.id}/push`,
    body: (shop) => ({ jsonSchema: shop.schema.jsonSchema }),
    cases: [
      ...cases('jsonSchema'),
      ...cases('changeDescription', undefined, null, ''),
      ...cases('force', undefined, true),
    ],
  },
  {
    name: 'POST /environments',
    method: 'POST',
    path: () => '/environments',
    body: () => ({ name: 'preview' }),
    cases: [
      ...cases('name'),
      ...cases('description', undefined, null, ''),
      ...cases('fallbackEnvironmentId', undefined, null),
    ],
  },
  {
    name: 'PATCH /environments/{id}',
    method: 'PATCH',
    path: (shop) => `/environments/${shop.environments.staging}`,
    body: () => ({ description: 'x' }),
    cases: [...cases('name', undefined), ...cases('fallbackEnvironmentId', undefined, null)],
  },
  {
    name: 'PUT /segments/{name}',
    method: 'PUT',
    path: () => '/segments/staff?environment=development',
    body: () => ({ condition: { all: [] } }),
    cases: [...cases('condition'), ...cases('description', undefined, null, '')],
  },
  {
    name: 'POST /feature-flags/{key}/evaluate',
    method: 'POST',
    path: () => '/feature-flags/theme/evaluate',
    body: () => ({ environment: 'development' }),
    cases: [...environment.map(([field, value]) => [field, value, ''] as const), ...context],
  },
  {
    name: 'POST /limits/{key}/evaluate',
    method: 'POST',
    path: () => '/limits/cartItems/evaluate',
    body: () => ({ environment: 'development' }),
    cases: [...environment.map(([field, value]) => [field, value, ''] as const), ...context],
  },
  {
    name: 'POST /snapshot',
    method: 'POST',
    path: () => '/snapshot',
    body: () => ({ environment: 'development' }),
    cases: [
      ...environment,
      ...context,
      ['context', { a: 'x'.repeat(9_000) }],
      ...cases('keys', undefined, [], ['a']),
      ['keys', [1], 'keys[0]'],
    ],
  },
];

describe('bad bodies', () => {
  it.each(ENDPOINTS)('are refused by $name', async ({ method, path, body, cases: list }) => {
    const shop = await startShop();
    const before = await shop.ruleset();
    for (const [field, value, named] of list) {
      const response = await shop.call(method, path(shop), { ...body(shop), [field]: value });
      expectRefusal(response, `${field} = ${JSON.stringify(value)?.slice(0, 80)}`, named ?? field);
    }
    for (const whole of BAD_BODIES) {
      const response = await shop.call(method, path(shop), whole);
      expectRefusal(response, `body ${JSON.stringify(whole)}`);
    }
    expect(await shop.ruleset()).toEqual(before);
    const good = await shop.call(method, path(shop), body(shop));
    expect(good.status, good.text).toBeLessThan(300);
  });

  it.each(ENDPOINTS)('that are not plain JSON are refused by $name', async ({ method, path }) => {
    const shop = await startShop();
    const { url, organizationId } = shop.server;
    const send = async (
      type: string | undefined,
      body: string | Uint8Array<ArrayBuffer>,
    ): Promise<ApiResponse> => {
      const response = await fetch(`${url}/organizations/${organizationId}/config${path(shop)}`, {
        method,
        body,
        headers: {
          authorization: `Bearer ${shop.token}`,
          ...(type !== undefined && { 'content-type': type }),
        },
      });
      const text = await response.text();
      return { status: response.status, text, body: JSON.parse(text), headers: response.headers, id: '' };
    };
    const json = 'application/json';
    expectRefusal(await send(json, '{'), 'broken');
    expectRefusal(await send(json, '{"__proto__":{"environment":"development"}}'), '__proto__');
    expectRefusal(await send(json, '{"constructor":{"prototype":{"a":1}}}'), 'constructor');
    expectRefusal(await send(json, '['.repeat(100_000)), 'deep');
    expectRefusal(await send(json, `"${'x'.repeat(9 * 1024 * 1024)}"`), 'large');
    expectRefusal(await send(json, new Uint8Array([0x22, 0xff, 0xfe, 0x22])), 'not UTF-8', 'UTF-8');
    expectRefusal(await send('text/plain', 'environment'), 'text');
    expectRefusal(await send('application/x-www-form-urlencoded', 'environment=development'), 'form');
  });
});

describe('bad queries', () => {
  const shared = sharedShop();
  const paths: [method: string, path: string, body?: unknown][] = [
    ['GET', '/values'],
    ['GET', '/values/theme'],
    ['DELETE', '/values/theme'],
    ['GET', '/ruleset'],
    ['GET', '/stream'],
    ['GET', '/snapshot/stream'],
    ['GET', '/segments'],
    ['PUT', '/segments/staff', { condition: { all: [] } }],
    ['DELETE', '/segments/staff'],
  ];
  it.each(paths)('are refused by %s %s', async (method, path, body) => {
    const shop = await shared();
    const ask = (query: string) => shop.call(method, `${path}${query}`, body);
    for (const query of [
      '',
      '?environment=',
      '?environment=a&environment=b',
      '?environment[]=a',
      '?Environment=a',
    ]) {
      const response = await ask(query);
      expectRefusal(response, query, query.startsWith('?environment[') ? undefined : '"environment"');
      // Without an environment, the path names a value by its id, and there is none with this one.
      const isLookup = path === '/values/theme' && !query.startsWith('?environment=');
      expect(response.status).toBe(isLookup ? 404 : 400);
    }
    for (const name of [
      'nowhere',
      '__proto__',
      'a%00b',
      '%F0%9F%98%80',
      "'%20or%201=1",
      'x'.repeat(5_000),
      '%20',
    ]) {
      const response = await ask(`?environment=${name}`);
      expectRefusal(response, name, 'environment');
      expect(response.status).toBe(404);
    }
    expectRefusal(await ask('?environment=%'), 'half an escape');
  });

  it('are refused for force', async () => {
    const shop = await shared();
    for (const force of ['1', 'yes', '', 'TRUE', 'true&force=true']) {
      const value = await shop.call('DELETE', `/values/theme?environment=development&force=${force}`);
      expectRefusal(value, force, '"force"');
      expectRefusal(await shop.call('DELETE', `/schemas/${shop.schema.id}?force=${force}`), force, '"force"');
    }
  });
});

describe('bad ids', () => {
  const shared = sharedShop();
  it.each(['nothing', '__proto__', '%00', '..%2F..', "' or 1=1", 'x'.repeat(400), '%F0%9F%98%80'])(
    'get a 404: %s',
    async (id) => {
      const shop = await shared();
      const requests: [string, string, unknown?][] = [
        ['GET', `/schemas/${id}`],
        ['PATCH', `/schemas/${id}`, { name: 'x' }],
        ['DELETE', `/schemas/${id}`],
        ['POST', `/schemas/${id}/push`, { jsonSchema: shop.schema.jsonSchema }],
        ['PATCH', `/environments/${id}`, { name: 'x' }],
        ['DELETE', `/environments/${id}`],
        ['GET', `/values/${id}?environment=development`],
        ['DELETE', `/values/${id}?environment=development&force=true`],
        ['DELETE', `/segments/${id}?environment=development`],
        ['POST', `/feature-flags/${id}/evaluate`, { environment: 'development' }],
        ['POST', `/limits/${id}/evaluate`, { environment: 'development' }],
      ];
      for (const [method, path, body] of requests) {
        const response = await shop.call(method, path, body);
        expectRefusal(response, `${method} ${path}`);
        expect(response.status, `${method} ${path}`).toBe(404);
      }
    },
  );
});

describe('the name of an auth client', () => {
  it.each(['a\u0000b', 'a\ud800', ' '])('is refused: %j', async (name) => {
    const shop = await startShop();
    const response = await callApi(shop.server, '/auth-clients', {
      token: shop.token,
      method: 'POST',
      body: { type: 'm2m', name },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: expect.stringContaining('"name"') });
  });
});

describe('a foreign organization', () => {
  it('is refused everywhere', async () => {
    const shop = await startShop();
    const other = await startShop();
    for (const [method, path] of [
      ['GET', '/values?environment=development'],
      ['GET', '/ruleset?environment=development'],
      ['GET', '/schemas'],
      ['PUT', '/values'],
    ] as const) {
      const response = await fetch(
        `${shop.server.url}/organizations/${other.server.organizationId}/config${path}`,
        {
          method,
          headers: { authorization: `Bearer ${shop.token}` },
        },
      );
      expect(response.status).toBe(403);
      await response.text();
    }
  });
});
