import { type Condition, defineLimit, type JsonValue, type Tier, type WireSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { describe, expect, it } from 'vitest';
import { adminOf, startServer } from './test-support/running-server.ts';

// The API client of @smooai/config against this server: each must understand what the other sends.

const limit = defineLimit({ default: 20, min: 1, max: 100 });
const jsonSchema: WireSchema = {
  type: 'object',
  properties: {
    publicConfigSchema: { type: 'object', properties: { apiBaseUrl: { type: 'string' } } },
    secretConfigSchema: { type: 'object', properties: { paymentKey: { type: 'string', minLength: 8 } } },
    featureFlagSchema: {
      type: 'object',
      properties: { theme: { enum: ['light', 'dark'], default: 'light' } },
    },
    limitsSchema: {
      type: 'object',
      properties: { cartItems: { type: 'number', default: limit.default, minimum: 1, maximum: 100 } },
    },
  },
};

async function setUp() {
  const server = await startServer();
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = adminOf(server);
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const schema = await api.createSchema({ name: 'shop', jsonSchema });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  if (environment === undefined) throw new Error('The environment "development" is missing.');
  const input = (tier: Tier, key: string, value: JsonValue) => {
    return { schemaId: schema.id, environmentId: environment.id, key, value, tier };
  };
  return { server, api, tokenProvider, schema, environment, input };
}

describe('ConfigApi of @smooai/config against this server', () => {
  it('writes, reads and deletes values', async () => {
    const { api, input } = await setUp();
    expect(await api.setValue(input('feature_flag', 'theme', 'dark'))).toMatchObject({
      key: 'theme',
      value: 'dark',
    });
    const rows = await api.setValues([
      input('public', 'apiBaseUrl', 'https://shop.example'),
      input('secret', 'paymentKey', 'sk_12345678'),
    ]);
    expect(rows.map(({ key }) => key)).toEqual(['apiBaseUrl', 'paymentKey']);
    expect(await api.getValue('development', 'theme')).toBe('dark');
    expect(await api.listValues('development')).toMatchObject({ theme: 'dark', paymentKey: 'sk_12345678' });
    await expect(api.deleteValue('development', 'paymentKey')).rejects.toMatchObject({ status: 409 });
    await api.deleteValue('development', 'paymentKey', { force: true });
    await expect(api.getValue('development', 'paymentKey')).rejects.toMatchObject({ status: 404 });
  });

  it('says what is wrong with a value without showing a secret', async () => {
    const { api, input } = await setUp();
    await expect(api.setValue(input('feature_flag', 'theme', 'blue'))).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 400,
      serverMessage: expect.any(String),
    });
    const error: unknown = await api
      .setValue(input('secret', 'paymentKey', 'hunter2'))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 400 });
    expect(String(error)).not.toContain('hunter2');
  });

  it('reads the ruleset again only after a change', async () => {
    const { api, input } = await setUp();
    await api.setValue(input('feature_flag', 'theme', 'dark'));
    const first = await api.getRuleset('development');
    if (first.status !== 'changed') throw new Error(`The ruleset is ${first.status}.`);
    expect(first.ruleset).toMatchObject({ environment: 'development', flags: { theme: 'dark' } });
    const { etag } = first;
    expect(await api.getRuleset('development', { etag })).toEqual({ status: 'unchanged' });
    await api.setValue(input('feature_flag', 'theme', 'light'));
    expect(await api.getRuleset('development', { etag })).toMatchObject({ status: 'changed' });
  });

  it('streams the ruleset until the signal is aborted', async () => {
    const { api } = await setUp();
    const controller = new AbortController();
    const reader = (await api.openStream('development', { signal: controller.signal })).getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (let reads = 0; reads < 100 && !text.includes('event: ruleset'); reads++) {
      const { done, value } = await reader.read();
      expect(done).toBe(false);
      text += decoder.decode(value, { stream: true });
    }
    expect(text).toContain('event: ruleset');
    controller.abort();
    const drain = async (): Promise<void> => {
      for (let reads = 0; reads < 100; reads++) if ((await reader.read()).done) return;
    };
    await expect(drain()).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT' });
  });

  it('pushes schemas and lists the stored values that do not fit', async () => {
    const { api, schema, input } = await setUp();
    await api.setValue(input('feature_flag', 'theme', 'dark'));
    expect(await api.listSchemas()).toEqual([schema]);
    expect(await api.getSchema(schema.id)).toEqual(schema);
    expect(await api.updateSchema(schema.id, { description: 'The shop.' })).toMatchObject({
      description: 'The shop.',
    });
    const narrower = structuredClone(jsonSchema);
    narrower.properties.featureFlagSchema.properties.theme = { enum: ['light'] };
    await expect(api.pushSchema(schema.id, { jsonSchema: narrower })).rejects.toMatchObject({
      status: 409,
      body: { values: [{ key: 'theme', environment: 'development', reason: expect.any(String) }] },
    });
    const forced = await api.pushSchema(schema.id, { jsonSchema: narrower, force: true });
    expect(forced).toMatchObject({ version: 2, schema: { id: schema.id, currentVersion: 2 } });
    await api.deleteSchema(schema.id, { force: true });
    expect(await api.listSchemas()).toEqual([]);
  });

  it('manages environments and segments', async () => {
    const { api, environment, input } = await setUp();
    const made = await api.createEnvironment({ name: 'preview', fallbackEnvironmentId: environment.id });
    expect(await api.updateEnvironment(made.id, { description: 'For reviews.' })).toMatchObject({
      name: 'preview',
    });
    const condition: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
    expect(await api.putSegment('development', 'dutch', { condition })).toMatchObject({
      name: 'dutch',
      condition,
    });
    expect(await api.listSegments('preview')).toMatchObject([
      { name: 'dutch', environmentId: environment.id },
    ]);
    const targeted = {
      $cohort: { rules: [{ id: 'nl', when: { segment: 'dutch' }, value: 'dark' }], defaultValue: 'light' },
    };
    await api.setValue(input('feature_flag', 'theme', targeted));
    await expect(api.deleteSegment('development', 'dutch')).rejects.toMatchObject({ status: 409 });
    await api.deleteValue('development', 'theme');
    await api.deleteSegment('development', 'dutch');
    await api.deleteEnvironment(made.id);
    expect((await api.listEnvironments()).map(({ name }) => name)).not.toContain('preview');
  });

  it('evaluates on the server', async () => {
    const { api, input } = await setUp();
    const when = { attribute: 'country', op: 'in', values: ['NL'] };
    const targeted = { $cohort: { rules: [{ id: 'nl', when, value: 'dark' }], defaultValue: 'light' } };
    await api.setValue(input('feature_flag', 'theme', targeted));
    const dark = { value: 'dark', source: 'rule', matchedRuleId: 'nl' };
    expect(await api.evaluateFlag('development', 'theme', { country: 'NL' })).toEqual(dark);
    expect(await api.evaluateFlag('development', 'theme')).toEqual({ value: 'light', source: 'default' });
    expect(await api.evaluateLimit('development', 'cartItems')).toEqual({ value: 20, source: 'default' });
    await expect(api.evaluateFlag('development', 'nothing')).rejects.toMatchObject({ status: 404 });
    const snapshot = await api.getSnapshot('development', { context: { country: 'NL' } });
    expect(snapshot).toMatchObject({ flags: { theme: dark }, limits: { cartItems: { value: 20 } } });
  });

  it('creates clients that work until they are revoked', async () => {
    const { api, server } = await setUp();
    const made = await api.createAuthClient({ type: 'm2m', name: 'reader', scopes: ['config:read'] });
    const { clientId, clientSecret } = made;
    if (clientSecret === undefined) throw new Error('The new client has no secret.');
    const { url: apiUrl, organizationId } = server;
    const tokenProvider = new TokenProvider({ authUrl: apiUrl, clientId, clientSecret });
    const reader = new ConfigApi({ apiUrl, organizationId, tokenProvider });
    expect(await reader.listEnvironments()).toHaveLength(3);
    await expect(reader.createEnvironment({ name: 'mine' })).rejects.toMatchObject({ status: 403 });
    expect(await api.updateAuthClient(made.id, { name: 'renamed' })).toMatchObject({ name: 'renamed' });
    await api.revokeAuthClient(made.id);
    await expect(reader.listEnvironments()).rejects.toMatchObject({
      code: 'ERR_TOKEN_REJECTED',
      error: 'invalid_client',
    });
    expect((await api.listAuthClients()).find(({ id }) => id === made.id)?.revokedAt).toEqual(
      expect.any(String),
    );
    const web = await api.createAuthClient({
      type: 'b2m',
      name: 'web',
      allowedOrigins: ['https://shop.example'],
    });
    expect(web.publishableKey).toMatch(/^pk_/);
  });

  it('retries once with a new token after the old one was revoked', async () => {
    const { api, tokenProvider, server } = await setUp();
    const token = await tokenProvider.getAccessToken();
    const { clientId, clientSecret } = adminOf(server);
    const form = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
    expect((await fetch(`${server.url}/revoke`, { method: 'POST', body: form })).status).toBe(200);
    expect(await api.listEnvironments()).toHaveLength(3);
    expect(await tokenProvider.getAccessToken()).not.toBe(token);
  });
});
