import type { JsonSchema, WireSchema } from '@smooai/config';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Domain, sharedDomain } from '../test-support/domain-fixture.ts';
import { shopDocument } from '../test-support/shop-server.ts';
import { EMPTY_SCHEMA, schemaRow, valueRow } from '../test-support/storage-fixtures.ts';

const newDomain = sharedDomain();
const SECRET = 'sk_live_12345678';
const LIMITED = { environments: ['development'] };

type Tier = keyof WireSchema['properties'];

/** The shop's document with other keys in one tier; undefined removes a key. */
function changed(tier: Tier, keys: Record<string, JsonSchema | undefined>): WireSchema {
  const document = shopDocument();
  const properties = Object.entries({ ...document.properties[tier].properties, ...keys });
  document.properties[tier].properties = Object.fromEntries(
    properties.filter((entry): entry is [string, JsonSchema] => entry[1] !== undefined),
  );
  return document;
}

const documentOf = (tier: Tier, keys: Record<string, JsonSchema>): WireSchema => ({
  ...EMPTY_SCHEMA,
  properties: { ...EMPTY_SCHEMA.properties, [tier]: { type: 'object', properties: keys } },
});

function push(
  { service, principal, shop }: Domain,
  jsonSchema: unknown,
  force = false,
  caller = principal(),
) {
  return service.schemas.push(caller, shop.schema.id, { jsonSchema, force });
}

describe('a new schema', () => {
  it('is version 1, without keys unless it has a document, and gives every environment a revision', async () => {
    const domain = await newDomain();
    const { service, storage, shop, principal, changesOf } = domain;
    const other = await newDomain();
    const empty = await service.schemas.create(principal(), { name: 'empty' });
    expect(empty).toEqual({
      id: expect.any(String),
      organizationId: shop.organization.id,
      name: 'empty',
      description: null,
      currentVersion: 1,
      jsonSchema: EMPTY_SCHEMA,
      createdBy: 'client',
      createdAt: expect.any(String),
      updatedAt: empty.createdAt,
    });
    const jsonSchema = documentOf('publicConfigSchema', { author: { type: 'string', default: 'me' } });
    const blog = await service.schemas.create(principal(), { name: 'blog', description: 'a', jsonSchema });
    expect(blog).toMatchObject({ description: 'a', jsonSchema });
    expect(await storage.findSchema(blog.id)).toEqual(blog);
    expect(await service.schemas.get(principal(), blog.id)).toEqual(blog);
    const names = (await service.schemas.list(principal())).map(({ name }) => name);
    expect(names).toEqual(['blog', 'empty', 'shop']);
    expect(await changesOf(shop.environment)).toEqual([[], []]);
    expect((await service.view(principal(), 'development')).keys.get('author')?.defaultValue).toBe('me');
    expect(await changesOf(other.shop.environment)).toEqual([]);
  });

  it('is refused for a limited client, a taken name, a bad document and a key of another schema', async () => {
    const { service, shop, principal, changesOf } = await newDomain();
    const create = (name: string, jsonSchema?: unknown, caller = principal()) =>
      service.schemas.create(caller, { name, jsonSchema });
    await expect(create('mine', undefined, principal(LIMITED))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('change schemas'),
    });
    await expect(create('shop')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('"name"'),
    });
    await expect(create('bad', { type: 'array' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(
      create('bad', documentOf('publicConfigSchema', { a: { type: 'odd' } })),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(create('taken', documentOf('publicConfigSchema', { theme: {} }))).rejects.toMatchObject({
      code: 'conflict',
      fields: { keys: ['theme'], schemaId: shop.schema.id },
    });
    expect(await service.schemas.list(principal())).toEqual([shop.schema]);
    expect(await changesOf(shop.environment)).toEqual([]);
  });

  it('may have the keys of another organization', async () => {
    const { service, principal } = await newDomain();
    const other = await newDomain();
    const jsonSchema = documentOf('publicConfigSchema', { author: {} });
    for (const caller of [other.principal(), principal()]) {
      expect((await service.schemas.create(caller, { name: 'blog', jsonSchema })).name).toBe('blog');
    }
  });

  it('is refused after a thousand', async () => {
    const { serviceWith, shop, principal } = await newDomain();
    const rows = Array.from({ length: 1_000 }, () => schemaRow(shop.organization, {}));
    const listSchemas = vi.fn().mockResolvedValue(rows).mockResolvedValueOnce(rows.slice(1));
    const service = serviceWith({ listSchemas });
    onTestFinished(() => service.close());
    const create = (name: string) => service.schemas.create(principal(), { name });
    expect((await create('last')).name).toBe('last');
    await expect(create('more')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('has 1000 schemas, the maximum'),
    });
    expect(listSchemas).toHaveBeenCalledWith(shop.organization.id);
  });
});

describe('a schema of another organization, or of none', () => {
  it('is not found, whatever is asked for', async () => {
    const { service, storage, principal, changesOf } = await newDomain();
    const other = await newDomain();
    for (const id of [other.shop.schema.id, 'nothing']) {
      const calls = [
        service.schemas.get(principal(), id),
        service.schemas.update(principal(), id, { name: 'mine' }),
        service.schemas.push(principal(), id, { jsonSchema: EMPTY_SCHEMA, force: true }),
        service.schemas.delete(principal(), id, { force: true }),
      ];
      for (const call of calls) {
        await expect(call).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(id) });
      }
    }
    expect(await storage.findSchema(other.shop.schema.id)).toEqual(other.shop.schema);
    expect(await changesOf(other.shop.environment)).toEqual([]);
  });
});

describe('a limited client', () => {
  it('cannot rename, push or delete a schema, although it may read it', async () => {
    const domain = await newDomain();
    const { service, storage, shop, principal } = domain;
    const caller = principal(LIMITED);
    const { id } = shop.schema;
    const calls: [Promise<unknown>, string][] = [
      [service.schemas.update(caller, id, { name: 'mine' }), 'change schemas'],
      [push(domain, EMPTY_SCHEMA, true, caller), 'push schemas'],
      [service.schemas.delete(caller, id, { force: true }), 'delete schemas'],
    ];
    for (const [call, text] of calls) {
      await expect(call).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining(text) });
    }
    expect(await service.schemas.get(caller, id)).toEqual(shop.schema);
    expect(await storage.findSchema(id)).toEqual(shop.schema);
  });
});

describe('a renamed schema', () => {
  it('keeps its document, and a taken name is refused', async () => {
    const { service, storage, shop, principal, changesOf } = await newDomain();
    await service.schemas.create(principal(), { name: 'taken' });
    const renamed = await service.schemas.update(principal(), shop.schema.id, { name: 'store' });
    expect(renamed).toEqual({ ...shop.schema, name: 'store', updatedAt: expect.any(String) });
    expect(Date.parse(renamed.updatedAt)).toBeGreaterThan(Date.parse(shop.schema.updatedAt));
    expect(await storage.findSchema(shop.schema.id)).toEqual(renamed);
    await expect(
      service.schemas.update(principal(), shop.schema.id, { name: 'taken' }),
    ).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('"name"') });
    // Clients do not see the name.
    expect(await changesOf(shop.environment)).toEqual([[]]);
  });
});

describe('a push', () => {
  it('makes the next version, and gives environments a revision if it is another document', async () => {
    const domain = await newDomain();
    const { service, storage, shop, principal, changesOf } = domain;
    const same = await push(domain, shopDocument());
    expect([same.version, await changesOf(shop.environment)]).toEqual([2, []]);
    const next = changed('featureFlagSchema', { theme: { enum: ['dark'], default: 'dark' } });
    const { schema, version } = await push(domain, next);
    expect([version, schema.currentVersion, schema.jsonSchema]).toEqual([3, 3, next]);
    expect(await storage.findSchema(shop.schema.id)).toEqual(schema);
    expect(Date.parse(schema.updatedAt)).toBeGreaterThan(Date.parse(shop.schema.updatedAt));
    expect(await changesOf(shop.environment)).toEqual([[]]);
    const view = await service.view(principal(), 'development');
    expect(view.keys.get('theme')?.defaultValue).toBe('dark');
  });

  it('is refused for a bad document, and for a key of another schema but not of itself', async () => {
    const domain = await newDomain();
    const { service, principal, shop } = domain;
    const jsonSchema = documentOf('publicConfigSchema', { author: {} });
    const blog = await service.schemas.create(principal(), { name: 'blog', jsonSchema });
    await expect(push(domain, 'text')).rejects.toMatchObject({ code: 'invalid' });
    await expect(push(domain, changed('publicConfigSchema', { author: {} }), true)).rejects.toMatchObject({
      code: 'conflict',
      fields: { keys: ['author'], schemaId: blog.id },
    });
    expect((await service.schemas.get(principal(), shop.schema.id)).currentVersion).toBe(1);
  });

  it('is refused while stored values do not fit, with a sorted list of them', async () => {
    const domain = await newDomain();
    const { service, storage, shop, principal, set, addEnvironment } = domain;
    const staging = await addEnvironment('staging');
    for (const environment of [staging, shop.environment]) await set('theme', 'dark', environment);
    await set('paymentKey', SECRET);
    await set('supportEmail', 'a@shop.test');
    const next = changed('featureFlagSchema', { theme: { enum: ['light'] } });
    next.properties.publicConfigSchema.properties.supportEmail = { type: 'number' };
    next.properties.publicConfigSchema.properties.paymentKey = { type: 'string' };
    delete next.properties.secretConfigSchema.properties.paymentKey;
    const error = await push(domain, next).catch((reason: unknown) => reason);
    const values = [
      { key: 'paymentKey', environment: 'development', reason: 'its tier becomes public' },
      { key: 'supportEmail', environment: 'development', reason: expect.stringContaining('number') },
      { key: 'theme', environment: 'development', reason: expect.stringContaining('light') },
      { key: 'theme', environment: 'staging', reason: expect.stringContaining('light') },
    ];
    expect(error).toMatchObject({ code: 'conflict', fields: { values } });
    expect(error).toMatchObject({
      detail: expect.stringMatching(/^paymentKey in development: its tier becomes public; supportEmail in/),
    });
    expect(JSON.stringify(error)).not.toContain(SECRET);
    expect(await storage.findSchema(shop.schema.id)).toEqual(shop.schema);
    expect((await service.view(principal(), 'development')).values.size).toBe(3);
  });

  it('by force deletes the values whose key is gone or has another tier, and keeps the others', async () => {
    const domain = await newDomain();
    const { service, shop, principal, set, addEnvironment, changesOf } = domain;
    const above = await addEnvironment('above', shop.environment);
    await set('theme', 'dark');
    await set('newCheckout', true);
    await set('paymentKey', SECRET);
    const next = changed('featureFlagSchema', { theme: { enum: ['light'] }, newCheckout: undefined });
    next.properties.publicConfigSchema.properties.paymentKey = { type: 'string' };
    delete next.properties.secretConfigSchema.properties.paymentKey;
    await push(domain, next, true);
    const { values } = await service.view(principal(), 'development');
    expect([...values.keys()]).toEqual(['theme']);
    const gone = [
      { tier: 'feature_flag', key: 'newCheckout', deleted: true },
      { tier: 'secret', key: 'paymentKey', deleted: true },
    ];
    for (const environment of [shop.environment, above]) {
      const last = (await changesOf(environment)).at(-1);
      expect(last).toHaveLength(2);
      expect(last).toEqual(expect.arrayContaining(gone));
    }
  });
});

describe('a schema that is deleted, or loses keys', () => {
  it('takes its values along only by force', async () => {
    const { service, storage, shop, principal, set, addEnvironment, changesOf } = await newDomain();
    const above = await addEnvironment('above', shop.environment);
    await set('theme', 'dark');
    const { id } = shop.schema;
    await expect(service.schemas.delete(principal(), id, { force: false })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('"shop" has stored values'),
      fields: {
        values: [{ key: 'theme', environment: 'development', reason: 'the schema has no such key' }],
      },
    });
    expect(await storage.findSchema(id)).toEqual(shop.schema);
    await service.schemas.delete(principal(), id, { force: true });
    expect(await storage.findSchema(id)).toBeUndefined();
    expect(await storage.listValues(shop.environment.id)).toEqual([]);
    const gone = { tier: 'feature_flag', key: 'theme', deleted: true };
    expect((await changesOf(above)).at(-1)).toEqual([gone]);
    const view = await service.view(principal(), 'above');
    expect([view.values.size, view.keys.size]).toEqual([0, 0]);
  });

  it('without values needs no force, and gives every environment a revision', async () => {
    const { service, shop, principal, changesOf } = await newDomain();
    await service.schemas.delete(principal(), shop.schema.id, { force: false });
    expect(await changesOf(shop.environment)).toEqual([[]]);
    await expect(service.schemas.get(principal(), shop.schema.id)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it.each(['delete', 'push'] as const)(
    'leaves the value of a built-in key to another schema that declares it: %s',
    async (how) => {
      const { service, storage, shop, principal } = await newDomain();
      const jsonSchema = documentOf('publicConfigSchema', { REGION: { type: 'string' } });
      const [one, two] = [
        await service.schemas.create(principal(), { name: 'one', jsonSchema }),
        await service.schemas.create(principal(), { name: 'two', jsonSchema }),
      ];
      const ids = { schemaId: one.id, environmentId: shop.environment.id };
      const write = { ...ids, key: 'REGION', value: 'eu', tier: 'public' } as const;
      await service.values.set(principal(), [write], () => '');
      if (how === 'delete') await service.schemas.delete(principal(), one.id, { force: false });
      else await service.schemas.push(principal(), one.id, { jsonSchema: EMPTY_SCHEMA, force: false });
      const stored = await storage.findValue(shop.environment.id, 'REGION');
      expect([stored?.value, stored?.schemaId]).toEqual(['eu', two.id]);
      await service.schemas.push(principal(), two.id, { jsonSchema: EMPTY_SCHEMA, force: true });
      expect(await storage.findValue(shop.environment.id, 'REGION')).toBeUndefined();
    },
  );
});

it('a stored value that only looks targeted is checked as a plain one, because its key cannot be targeted', async () => {
  const domain = await newDomain();
  const { environment, schema } = domain.shop;
  const row = { schemaId: schema.id, environmentId: environment.id, value: { $cohort: 5 } };
  await domain.storage.upsertValue(valueRow(domain.shop, { ...row, key: 'contact', tier: 'public' }));
  await domain.storage.upsertValue(valueRow(domain.shop, { ...row, key: 'vault', tier: 'secret' }));
  const fitting = changed('publicConfigSchema', { contact: { type: 'object' } });
  fitting.properties.secretConfigSchema.properties = {
    vault: { type: 'object' },
    paymentKey: { type: 'string' },
  };
  expect(await push(domain, fitting)).toMatchObject({ version: 2 });
});

it('each result of a stored targeted value must fit a new document, and the first that does not is named', async () => {
  const domain = await newDomain();
  const when = { attribute: 'plan', op: 'in', values: ['beta'] };
  const rules = ['light', 'dark'].map((value) => ({ id: value, when, value }));
  await domain.set('theme', { $cohort: { rules, defaultValue: 'dark' } });
  const lighter = changed('featureFlagSchema', { theme: { enum: ['light'], default: 'light' } });
  await expect(push(domain, lighter)).rejects.toMatchObject({
    code: 'conflict',
    fields: {
      values: [
        {
          key: 'theme',
          environment: 'development',
          reason: expect.stringMatching(/^\$cohort\.rules\[1\]\.value: must be/) as string,
        },
      ],
    },
  });
});

it('a stored secret that does not fit a new document is reported without a name inside of it', async () => {
  const domain = await newDomain();
  await domain.set('vault', { hunter2: 'long' });
  const shorter = changed('secretConfigSchema', {
    vault: { type: 'object', additionalProperties: { type: 'string', maxLength: 3 } },
  });
  const error: unknown = await push(domain, shorter).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'conflict', fields: { values: [{ key: 'vault' }] } });
  expect(JSON.stringify([String(error), error])).not.toContain('hunter2');
});
