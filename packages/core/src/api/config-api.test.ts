import { describe, expect, it } from 'vitest';
import { OptionsError } from '../index.ts';
import type { ConfigApi } from '../server.ts';
import { CONFIG, failureOf, RULESET, setUp } from '../test-support/config-api-fixture.ts';
import { fakeTimersInEach } from '../test-support/request-fixture.ts';

fakeTimersInEach();

describe('endpoints', () => {
  const value = {
    schemaId: 's1',
    environmentId: 'e1',
    key: 'theme',
    value: 'dark',
    tier: 'feature_flag' as const,
  };
  const jsonSchema = {
    type: 'object' as const,
    properties: {
      publicConfigSchema: { type: 'object' as const, properties: {} },
      secretConfigSchema: { type: 'object' as const, properties: {} },
      featureFlagSchema: { type: 'object' as const, properties: {} },
      limitsSchema: { type: 'object' as const, properties: {} },
    },
  };
  const condition = { attribute: 'country', op: 'in' as const, values: ['NL'] };
  const object = { id: 'x' };
  const env = { environment: 'prod' };

  it.each<
    [string, (api: ConfigApi) => Promise<unknown>, unknown, [string, string, object?, unknown?], unknown?]
  >([
    ['listValues', (api) => api.listValues('prod'), { values: { a: 1 } }, ['GET', '/values', env], { a: 1 }],
    ['getValue', (api) => api.getValue('prod', 'a'), { value: null }, ['GET', '/values/a', env], null],
    ['setValue', (api) => api.setValue(value), object, ['PUT', '/values', {}, value]],
    [
      'setValues',
      (api) => api.setValues([value]),
      { values: [object] },
      ['PUT', '/values/bulk', {}, { values: [value] }],
      [object],
    ],
    [
      'setValues (bare list)',
      (api) => api.setValues([value]),
      [object],
      ['PUT', '/values/bulk', {}, { values: [value] }],
      [object],
    ],
    ['deleteValue', (api) => api.deleteValue('prod', 'a'), undefined, ['DELETE', '/values/a', env]],
    [
      'deleteValue by force',
      (api) => api.deleteValue('prod', 'a', { force: true }),
      undefined,
      ['DELETE', '/values/a', { ...env, force: 'true' }],
    ],
    ['listSchemas', (api) => api.listSchemas(), [object], ['GET', '/schemas'], [object]],
    [
      'createSchema',
      (api) => api.createSchema({ name: 'shop', jsonSchema }),
      object,
      ['POST', '/schemas', {}, { name: 'shop', jsonSchema }],
    ],
    ['getSchema', (api) => api.getSchema('s1'), object, ['GET', '/schemas/s1'], object],
    [
      'updateSchema',
      (api) => api.updateSchema('s1', { name: 'b' }),
      object,
      ['PATCH', '/schemas/s1', {}, { name: 'b' }],
    ],
    ['deleteSchema', (api) => api.deleteSchema('s1'), undefined, ['DELETE', '/schemas/s1']],
    [
      'pushSchema',
      (api) => api.pushSchema('s1', { jsonSchema, force: true }),
      { schema: object, version: 2 },
      ['POST', '/schemas/s1/push', {}, { jsonSchema, force: true }],
    ],
    [
      'listEnvironments',
      (api) => api.listEnvironments(),
      [object],
      ['GET', '/environments'],
      [{ ...object, description: null, fallbackEnvironmentId: null }],
    ],
    [
      'createEnvironment',
      (api) => api.createEnvironment({ name: 'qa' }),
      object,
      ['POST', '/environments', {}, { name: 'qa' }],
    ],
    [
      'updateEnvironment',
      (api) => api.updateEnvironment('e1', { description: null }),
      object,
      ['PATCH', '/environments/e1', {}, { description: null }],
    ],
    ['deleteEnvironment', (api) => api.deleteEnvironment('e1'), undefined, ['DELETE', '/environments/e1']],
    ['listSegments', (api) => api.listSegments('prod'), [object], ['GET', '/segments', env], [object]],
    [
      'putSegment',
      (api) => api.putSegment('prod', 'eu', { condition }),
      object,
      ['PUT', '/segments/eu', env, { condition }],
    ],
    ['deleteSegment', (api) => api.deleteSegment('prod', 'eu'), undefined, ['DELETE', '/segments/eu', env]],
    [
      'evaluateFlag',
      (api) => api.evaluateFlag('prod', 'theme', { userId: 'u' }),
      { value: 'dark', source: 'raw' },
      ['POST', '/feature-flags/theme/evaluate', {}, { ...env, context: { userId: 'u' } }],
    ],
    [
      'evaluateLimit',
      (api) => api.evaluateLimit('prod', 'cartItems'),
      { value: 20, source: 'default' },
      ['POST', '/limits/cartItems/evaluate', {}, { ...env, context: {} }],
      { value: 20, source: 'default' },
    ],
    [
      'getSnapshot',
      (api) => api.getSnapshot('prod', { context: { a: 1 }, keys: ['theme'] }),
      { revision: '1', public: {}, flags: {}, limits: {} },
      ['POST', '/snapshot', {}, { ...env, context: { a: 1 }, keys: ['theme'] }],
    ],
  ])('%s', async (_, call, responseBody, [method, path, query = {}, body], result) => {
    const { api, sent } = setUp([
      responseBody === undefined ? new Response(null, { status: 204 }) : Response.json(responseBody),
    ]);
    const got = await call(api);
    expect(sent).toEqual([expect.objectContaining({ method, path: `${CONFIG}${path}`, query, body })]);
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer token-1');
    expect(sent[0]?.headers.get('content-type')).toBe(body === undefined ? null : 'application/json');
    if (result !== undefined) expect(got).toEqual(result);
  });

  it.each<[string, (api: ConfigApi) => Promise<unknown>, unknown, [string, string, unknown?]]>([
    ['listAuthClients', (api) => api.listAuthClients(), [object], ['GET', '']],
    [
      'createAuthClient',
      (api) => api.createAuthClient({ type: 'b2m', name: 'web' }),
      object,
      ['POST', '', { type: 'browser-to-machine', name: 'web' }],
    ],
    [
      'updateAuthClient',
      (api) => api.updateAuthClient('c1', { allowedOrigins: [] }),
      object,
      ['PATCH', '/c1', { allowedOrigins: [] }],
    ],
    ['revokeAuthClient', (api) => api.revokeAuthClient('c1'), undefined, ['DELETE', '/c1']],
  ])('%s', async (_, call, responseBody, [method, path, body]) => {
    const { api, sent } = setUp([
      responseBody === undefined ? new Response(null, { status: 204 }) : Response.json(responseBody),
    ]);
    await call(api);
    const expected = { method, path: `/base/organizations/org%201/auth-clients${path}`, body };
    expect(sent).toEqual([expect.objectContaining(expected)]);
  });

  it('encode each path segment, and refuse one that would change the path', async () => {
    const { api, sent } = setUp([Response.json({ value: 1 })]);
    await api.getValue('prod', 'a/../b?c#d');
    expect(sent[0]?.path).toBe(`${CONFIG}/values/a%2F..%2Fb%3Fc%23d`);
    for (const key of ['..', '.', '', '\ud800']) {
      expect(await failureOf(api.getValue('prod', key))).toBeInstanceOf(OptionsError);
    }
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['listValues', (api: ConfigApi) => api.listValues('prod'), { values: [] }],
    ['getValue', (api: ConfigApi) => api.getValue('prod', 'a'), {}],
    ['listSchemas', (api: ConfigApi) => api.listSchemas(), {}],
    ['getSchema', (api: ConfigApi) => api.getSchema('a'), null],
    ['setValues', (api: ConfigApi) => api.setValues([]), { ok: true }],
    ['getRuleset', (api: ConfigApi) => api.getRuleset('prod'), { ...RULESET, revision: 7 }],
    ['evaluateFlag', (api: ConfigApi) => api.evaluateFlag('prod', 'a'), { value: 1 }],
    ['evaluateLimit', (api: ConfigApi) => api.evaluateLimit('prod', 'a'), { value: 'x', source: 'raw' }],
    ['getSnapshot', (api: ConfigApi) => api.getSnapshot('prod'), { revision: '1' }],
  ])('%s refuses a response of another shape', async (_, call, body) => {
    const { api } = setUp([Response.json(body)]);
    expect(await failureOf(call(api))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
  });
});

describe('getRuleset', () => {
  it('returns the ruleset with its ETag, or one made from the revision', async () => {
    const { api } = setUp([Response.json(RULESET, { headers: { etag: '"abc"' } }), Response.json(RULESET)]);
    expect(await api.getRuleset('production')).toEqual({
      status: 'changed',
      ruleset: RULESET,
      etag: '"abc"',
    });
    expect(await api.getRuleset('production')).toMatchObject({ etag: '"7"' });
  });

  it('sends If-None-Match and understands 304', async () => {
    const { api, sent } = setUp([new Response(null, { status: 304 })]);
    expect(await api.getRuleset('production', { etag: '"7"' })).toEqual({ status: 'unchanged' });
    expect(sent[0]?.headers.get('if-none-match')).toBe('"7"');
  });

  it('rejects on an unexpected 304', async () => {
    const { api } = setUp([new Response(null, { status: 304 })]);
    expect(await failureOf(api.getRuleset('production'))).toMatchObject({ status: 304 });
  });

  it('recognizes a server without this endpoint, whatever its 404 looks like', async () => {
    const { api } = setUp([new Response('<html>Not found</html>', { status: 404 })]);
    expect(await api.getRuleset('production')).toEqual({ status: 'unsupported' });
  });
});
