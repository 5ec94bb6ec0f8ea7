import { describe, expect, it } from 'vitest';
import { callApi } from '../test-support/running-server.ts';
import type { Shop } from '../test-support/shop-server.ts';
import { shopDocument } from '../test-support/shop-server.ts';
import {
  FOREIGN_VALUE,
  type OtherOrganization,
  startTwoOrganizations,
} from '../test-support/two-organizations.ts';

/** Another organization in the same storage, which every check of the organization protects. */
describe('a second organization in the same storage', () => {
  const start = async (): Promise<{ shop: Shop; other: OtherOrganization }> => startTwoOrganizations();

  it('cannot be written to', async () => {
    const { shop, other } = await start();
    const own = shop.write({ key: 'supportEmail', value: 'a@shop.test' });
    const { id: environmentId } = other.environment;
    const cases: [string, Awaited<ReturnType<Shop['call']>>, string][] = [
      ['environment', await shop.call('PUT', '/values', { ...own, environmentId }), 'environmentId'],
      ['schema', await shop.call('PUT', '/values', { ...own, schemaId: other.schema.id }), 'schemaId'],
      [
        'both',
        await shop.call('PUT', '/values', { ...own, environmentId, schemaId: other.schema.id }),
        'environmentId',
      ],
      [
        'bulk',
        await shop.call('PUT', '/values/bulk', { values: [{ ...own, environmentId }] }),
        'environmentId',
      ],
      ['rename', await shop.call('PATCH', `/environments/${environmentId}`, { name: 'mine' }), environmentId],
      ['delete', await shop.call('DELETE', `/environments/${environmentId}`), environmentId],
      [
        'fallback of a new one',
        await shop.call('POST', '/environments', { name: 'spy', fallbackEnvironmentId: environmentId }),
        'fallbackEnvironmentId',
      ],
      [
        'fallback of an old one',
        await shop.call('PATCH', `/environments/${shop.environments.development}`, {
          fallbackEnvironmentId: environmentId,
        }),
        'fallbackEnvironmentId',
      ],
      ['schema read', await shop.call('GET', `/schemas/${other.schema.id}`), other.schema.id],
      [
        'schema rename',
        await shop.call('PATCH', `/schemas/${other.schema.id}`, { name: 'x' }),
        other.schema.id,
      ],
      ['schema delete', await shop.call('DELETE', `/schemas/${other.schema.id}?force=true`), other.schema.id],
      [
        'schema push',
        await shop.call('POST', `/schemas/${other.schema.id}/push`, {
          jsonSchema: shopDocument(),
          force: true,
        }),
        other.schema.id,
      ],
      ['value read', await shop.call('GET', `/values/${other.value.id}`), other.value.id],
      ['value delete', await shop.call('DELETE', `/values/${other.value.id}?force=true`), other.value.id],
      [
        'values of its environment',
        await shop.call('GET', `/environments/${environmentId}/values`),
        environmentId,
      ],
      [
        'values of its schema',
        await shop.call(
          'GET',
          `/schemas/${other.schema.id}/environments/${shop.environments.development}/values`,
        ),
        other.schema.id,
      ],
    ];
    for (const [name, response, text] of cases) {
      expect(response.status, name).toBe(404);
      expect(response.body.message, name).toContain(text);
      expect(response.text).not.toContain(FOREIGN_VALUE);
    }
    // The refusal does not name the environment of the value either.
    const value = await shop.call('GET', `/values/${other.value.id}`);
    expect(value.text).not.toContain(environmentId);
    const { token } = shop;
    for (const [method, body] of [
      ['PATCH', { name: 'mine' }],
      ['DELETE', undefined],
    ] as const) {
      const response = await callApi(shop.server, `/auth-clients/${other.client.id}`, {
        token,
        method,
        body,
      });
      expect(response.status, method).toBe(404);
    }
    // Nothing has changed for the other organization.
    const theirs = await fetchOther(shop, other, '/config/values?environment=development');
    expect(await theirs.json()).toEqual({ values: { supportEmail: FOREIGN_VALUE } });
  });

  it('cannot be read, under its own path or by a name that both have', async () => {
    const { shop, other } = await start();
    const paths = [
      '/auth-clients',
      '/config/environments',
      '/config/schemas',
      ...[
        'values',
        'values/supportEmail',
        'ruleset',
        'stream',
        'segments',
        'segments/vips',
        'snapshot/stream',
      ].map((name) => `/config/${name}?environment=development`),
    ];
    for (const path of paths) {
      const foreign = await fetchOther(shop, other, path, shop.token);
      expect(foreign.status, path).toBe(403);
      await foreign.body?.cancel();
    }
    const { token } = shop;
    const own = [
      await callApi(shop.server, '/auth-clients', { token }),
      await callApi(shop.server, '/config/environments', { token }),
      await callApi(shop.server, '/config/schemas', { token }),
      await callApi(shop.server, '/config/ruleset?environment=development', { token }),
      await callApi(shop.server, '/config/values?environment=development', { token }),
    ];
    for (const response of own) {
      expect(response.status).toBe(200);
      const text = await response.text();
      for (const foreign of [
        other.id,
        other.environment.id,
        other.schema.id,
        other.client.id,
        FOREIGN_VALUE,
      ]) {
        expect(text).not.toContain(foreign);
      }
    }
  });

  it('keeps its values when the same key is written, and its keys when the same ones are pushed', async () => {
    const { shop, other } = await start();
    await shop.set('supportEmail', 'mine@shop.test');
    const pushed = await shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema: shopDocument() });
    expect(pushed.status).toBe(200);
    const theirs = await fetchOther(shop, other, '/config/values?environment=development');
    expect(await theirs.json()).toEqual({ values: { supportEmail: FOREIGN_VALUE } });
    expect((await shop.call('DELETE', `/schemas/${shop.schema.id}?force=true`)).status).toBe(204);
    const after = await fetchOther(shop, other, '/config/values?environment=development');
    expect(await after.json()).toEqual({ values: { supportEmail: FOREIGN_VALUE } });
    const snapshot = await shop.call('POST', '/snapshot', { environment: 'development' });
    expect(snapshot.body).toMatchObject({ public: {}, flags: {} });
  });
});

function fetchOther(
  shop: Shop,
  other: OtherOrganization,
  path: string,
  token: string = other.token,
): Promise<Response> {
  return fetch(`${shop.server.url}/organizations/${other.id}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
}
