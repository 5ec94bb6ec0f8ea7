import type { JsonValue, Tier } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { type Domain, sharedDomain } from '../test-support/domain-fixture.ts';
import { logStatements } from '../test-support/statement-log.ts';
import { environmentRow, schemaRow, segmentRow, valueRow } from '../test-support/storage-fixtures.ts';
import type { ValueWrite } from './values.ts';

const newDomain = sharedDomain();
const SECRET = 'sk_live_12345678';
const targeted = (value: JsonValue, when: JsonValue, defaultValue: JsonValue): JsonValue => ({
  $cohort: { rules: [{ id: 'r', when, value }], defaultValue },
});

/** Writes as a bulk does. */
function write(domain: Domain, writes: readonly ValueWrite[], caller = domain.principal()) {
  return domain.service.values.set(caller, writes, (index) => `/values/${index}`);
}

function refusal(code: string, ...texts: string[]) {
  return {
    code,
    message: expect.stringMatching(texts.map((text) => text.replace(/[[\].$]/g, '\\$&')).join('.*')),
  };
}

describe('a write', () => {
  it('stores rows and tells the clients of its environment', async () => {
    const domain = await newDomain();
    const { storage, shop } = domain;
    const rows = await write(domain, [domain.write('theme', 'dark'), domain.write('paymentKey', SECRET)]);
    const [theme] = rows;
    expect(theme).toEqual({
      id: expect.any(String),
      organizationId: shop.organization.id,
      schemaId: shop.schema.id,
      environmentId: shop.environment.id,
      key: 'theme',
      value: 'dark',
      tier: 'feature_flag',
      updatedBy: 'client',
      createdAt: expect.any(String),
      updatedAt: theme?.createdAt,
    });
    expect(rows.map(({ key }) => key)).toEqual(['theme', 'paymentKey']);
    expect(await storage.findValueById(theme?.id ?? '')).toEqual(theme);
    expect(await domain.changesOf(shop.environment)).toEqual([
      [
        { tier: 'feature_flag', key: 'theme', value: 'dark' },
        { tier: 'secret', key: 'paymentKey', value: SECRET },
      ],
    ]);
    const [again] = await write(domain, [{ ...domain.write('theme', 'light'), tier: 'featureFlag' }]);
    expect(again).toMatchObject({ id: theme?.id, createdAt: theme?.createdAt, tier: 'feature_flag' });
  });

  it('is seen by the environments that fall back to it, unless one between has its own value', async () => {
    const domain = await newDomain();
    const [base, middle, top] = await domain.addChain('base', 'middle', 'top');
    if (base === undefined || middle === undefined || top === undefined) throw new Error('missing');
    await domain.set('theme', 'light', middle);
    await domain.set('theme', 'dark', base);
    await domain.set('cartItems', 5, base);
    const theme = (value: string) => [{ tier: 'feature_flag', key: 'theme', value }];
    const items = [{ tier: 'limit', key: 'cartItems', value: 5 }];
    expect(await domain.changesOf(base)).toEqual([theme('dark'), items]);
    expect(await domain.changesOf(middle)).toEqual([theme('light'), items]);
    expect(await domain.changesOf(top)).toEqual([theme('light'), items]);
    expect(await domain.changesOf(domain.shop.environment)).toEqual([]);
  });

  it('takes a few statements in one transaction, whatever else is stored', async () => {
    const domain = await newDomain();
    const [, top] = await domain.addChain('base', 'top');
    await domain.set('theme', 'light', top);
    await domain.set('supportEmail', 'a@shop.test', top);
    const statements = logStatements();
    await domain.set('theme', 'dark', top);
    const few = statements.matching(/./);
    expect(few.filter((text) => text.startsWith('begin'))).toHaveLength(1);
    // begin, environment, schema, value, viewers, revisions, change, commit
    expect(few.length).toBeLessThanOrEqual(8);
    await domain.set('supportEmail', 'b@shop.test', top);
    await domain.addChain('more', 'and-more');
    statements.clear();
    await domain.set('theme', 'light', top);
    expect(statements.matching(/./)).toEqual(few);
  });

  it('stores all of its values or none, and names the one that is refused', async () => {
    const domain = await newDomain();
    const good = domain.write('cartItems', 30);
    const cases: [ValueWrite, object][] = [
      [domain.write('theme', 'pink'), refusal('invalid', '"values[1].value"', '"theme"')],
      [domain.write('cartItems', 31), refusal('invalid', '"values[1].key"', 'twice')],
      [domain.write('unknown', 1), refusal('invalid', '"values[1].key"', 'no key "unknown"')],
      [{ ...domain.write('rate', 1), tier: 'public' }, refusal('invalid', '"values[1].tier"', 'limit')],
      [{ ...domain.write('rate', 1), environmentId: 'x' }, refusal('not-found', '"values[1].environmentId"')],
      [{ ...domain.write('rate', 1), schemaId: 'x' }, refusal('not-found', '"values[1].schemaId"')],
      [domain.write('supportEmail', 'x'.repeat(262_143)), refusal('too-large', '"values[1].value"')],
    ];
    for (const [bad, error] of cases) {
      await expect(write(domain, [good, bad])).rejects.toMatchObject(error);
    }
    expect(await domain.storage.listValues(domain.shop.environment.id)).toEqual([]);
    expect(await domain.changesOf(domain.shop.environment)).toEqual([]);
    // The same key may be set in two environments.
    const other = await domain.addEnvironment('other');
    expect(await write(domain, [good, domain.write('cartItems', 31, other)])).toHaveLength(2);
    expect(await write(domain, [])).toEqual([]);
  });

  it('belongs to the schema that has the key, whichever schema it names', async () => {
    const domain = await newDomain();
    const { organization, schema } = domain.shop;
    const empty = schemaRow(organization, { name: 'empty' });
    await domain.storage.insertSchema(empty);
    const [row] = await write(domain, [{ ...domain.write('theme', 'dark'), schemaId: empty.id }]);
    expect(row?.schemaId).toBe(schema.id);
    await expect(
      write(domain, [{ ...domain.write('unknown', 1), schemaId: empty.id }]),
    ).rejects.toMatchObject(refusal('invalid', 'the schema "empty" has no key "unknown"'));
  });

  it('cannot name rows of another organization, nor an environment that its caller may not use', async () => {
    const domain = await newDomain();
    const other = await newDomain();
    const own = domain.write('theme', 'dark');
    const foreign = other.write('theme', 'dark');
    for (const [field, id] of Object.entries({
      environmentId: foreign.environmentId,
      schemaId: foreign.schemaId,
    })) {
      await expect(write(domain, [{ ...own, [field]: id }])).rejects.toMatchObject(
        refusal('not-found', `"values[0].${field}"`),
      );
    }
    const limited = domain.principal({ environments: ['staging'] });
    await expect(write(domain, [own], limited)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await other.storage.listValues(other.shop.environment.id)).toEqual([]);
  });

  it('may use the segments that its environment sees', async () => {
    const domain = await newDomain();
    const [base, top] = await domain.addChain('base', 'top');
    const value = targeted('dark', { segment: 'vips' }, 'light');
    await domain.storage.upsertSegment(
      segmentRow(domain.shop, { environmentId: base?.id ?? '', name: 'vips' }),
    );
    await domain.set('theme', value, base);
    await domain.set('theme', value, top);
    await expect(domain.set('theme', value)).rejects.toMatchObject(refusal('invalid', '"vips"'));
  });

  it.each([
    ['contact', { phones: ['1', 2] }, '"values[0].value.phones[1]" of "contact" must be a string'],
    ['theme', targeted('blue', { all: [] }, 'light'), '"values[0].value.$cohort.rules[0].value" of "theme"'],
    [
      'theme',
      targeted('dark', { attribute: 'a', op: 'matches', values: ['(a+)+$'] }, 'light'),
      'exponential',
    ],
    ['cartItems', '5', '"values[0].value" of "cartItems" must be a number'],
    ['cartItems', 0, '"values[0].value" of "cartItems" must be at least 1'],
    ['cartItems', 101, '"values[0].value" of "cartItems" must be at most 100'],
    ['cartItems', 1.5, '"values[0].value" of "cartItems" must be a multiple of 1'],
  ])('names what is wrong with %s %j', async (key, value: JsonValue, message) => {
    const domain = await newDomain();
    await expect(write(domain, [domain.write(key, value)])).rejects.toMatchObject(
      refusal('invalid', message),
    );
  });

  it('takes the bounds of a limit, and multiples of its step as people count them', async () => {
    const domain = await newDomain();
    for (const value of [1, 100]) await domain.set('cartItems', value);
    await write(domain, [{ ...domain.write('rate', 0.3), tier: 'limit' }]);
    expect((await domain.changesOf(domain.shop.environment)).at(-1)).toEqual([
      { tier: 'limit', key: 'rate', value: 0.3 },
    ]);
  });

  it('repeats no part of a secret', async () => {
    const domain = await newDomain();
    const writes = [
      domain.write('paymentKey', 'hunter2'),
      domain.write('vault', { hunter2: 'x'.repeat(11) }),
      { ...domain.write('vault', { $cohort: { hunter2: true } }) },
    ];
    for (const entry of writes) {
      const error: unknown = await write(domain, [entry]).catch((reason: unknown) => reason);
      expect(error).toMatchObject(refusal('invalid', '"values[0].value"'));
      expect(JSON.stringify([String(error), error])).not.toContain('hunter2');
    }
  });
});

describe('a deletion', () => {
  it('shows the value of the nearest fallback, or none', async () => {
    const domain = await newDomain();
    const { values } = domain.service;
    const [far, near, own, above] = await domain.addChain('far', 'near', 'own', 'above');
    if (!far || !near || !own || !above) throw new Error('missing');
    for (const environment of [far, near, own])
      await domain.set('supportEmail', environment.name, environment);
    const remove = (environment: string) =>
      values.delete(domain.principal(), { environment, key: 'supportEmail', force: false });
    const latest = async () => [(await domain.changesOf(own)).at(-1), (await domain.changesOf(above)).at(-1)];
    const email = { tier: 'public', key: 'supportEmail' };
    await remove('own');
    expect(await latest()).toEqual([[{ ...email, value: 'near' }], [{ ...email, value: 'near' }]]);
    await remove('near');
    expect(await latest()).toEqual([[{ ...email, value: 'far' }], [{ ...email, value: 'far' }]]);
    await remove('far');
    expect(await latest()).toEqual([[{ ...email, deleted: true }], [{ ...email, deleted: true }]]);
    await expect(remove('own')).rejects.toMatchObject(refusal('not-found', '"supportEmail"', '"own"'));
  });

  it('of a secret needs force, by its key and by its id', async () => {
    const domain = await newDomain();
    const { values } = domain.service;
    const { environment } = domain.shop;
    const caller = domain.principal();
    const target = { environment: 'development', key: 'paymentKey' };
    for (const byId of [false, true]) {
      const [row] = await write(domain, [domain.write('paymentKey', SECRET)]);
      const id = row?.id ?? '';
      const remove = (force: boolean) =>
        byId ? values.deleteRow(caller, { id, force }) : values.delete(caller, { ...target, force });
      await expect(remove(false)).rejects.toMatchObject(refusal('conflict', 'force=true'));
      expect(await domain.storage.findValue(environment.id, 'paymentKey')).toEqual(row);
      await remove(true);
      expect(await domain.storage.findValue(environment.id, 'paymentKey')).toBeUndefined();
      await expect(remove(true)).rejects.toMatchObject({ code: 'not-found' });
    }
  });

  it('and a read by id are limited to the organization and environments of the caller', async () => {
    const domain = await newDomain();
    const other = await newDomain();
    const { values } = domain.service;
    const [row] = await write(domain, [domain.write('theme', 'dark')]);
    const [foreign] = await write(other, [other.write('theme', 'dark')]);
    const limited = domain.principal({ environments: ['staging'] });
    for (const [caller, id, error] of [
      [limited, row?.id, { code: 'forbidden' }],
      [domain.principal(), foreign?.id, refusal('not-found', 'A value with the id', String(foreign?.id))],
      [domain.principal(), 'nothing', refusal('not-found', 'A value with the id')],
    ] as const) {
      await expect(values.getRow(caller, id ?? '')).rejects.toMatchObject(error);
      await expect(values.deleteRow(caller, { id: id ?? '', force: true })).rejects.toMatchObject(error);
    }
    const target = { environment: 'development', key: 'theme', force: true };
    await expect(values.delete(limited, target)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await values.getRow(domain.principal(), row?.id ?? '')).toEqual(row);
    expect(await values.getRow(other.principal(), foreign?.id ?? '')).toEqual(foreign);
    await values.deleteRow(domain.principal(), { id: row?.id ?? '', force: false });
    await expect(values.getRow(domain.principal(), row?.id ?? '')).rejects.toThrow();
  });
});

describe('a list of rows', () => {
  it('has those of one environment, or of one schema in it', async () => {
    const domain = await newDomain();
    const { values } = domain.service;
    const { environment, organization, schema } = domain.shop;
    const [, above] = await domain.addChain('base', 'above');
    await domain.set('theme', 'dark');
    await domain.set('paymentKey', SECRET);
    await domain.set('theme', 'light', above);
    const empty = schemaRow(organization, { name: 'empty' });
    await domain.storage.insertSchema(empty);
    const list = async (filter: { environmentId: string; schemaId?: string }) =>
      (await values.listRows(domain.principal(), filter)).map(({ key, value }) => [key, value]);
    const both = [
      ['paymentKey', SECRET],
      ['theme', 'dark'],
    ];
    expect(await list({ environmentId: environment.id })).toEqual(both);
    expect(await list({ environmentId: environment.id, schemaId: schema.id })).toEqual(both);
    expect(await list({ environmentId: environment.id, schemaId: empty.id })).toEqual([]);
    const other = await newDomain();
    for (const [filter, text] of [
      [{ environmentId: other.shop.environment.id }, other.shop.environment.id],
      [{ environmentId: environment.id, schemaId: other.shop.schema.id }, other.shop.schema.id],
      [{ environmentId: environment.id, schemaId: 'nothing' }, 'nothing'],
    ] as const) {
      await expect(list(filter)).rejects.toMatchObject(refusal('not-found', text));
    }
    const limited = domain.principal({ environments: ['above'] });
    await expect(values.listRows(limited, { environmentId: environment.id })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('a read', () => {
  it('evaluates targeted values for the empty context, clamps limits, and has secrets for machines only', async () => {
    const domain = await newDomain();
    const { values } = domain.service;
    const { environment, schema } = domain.shop;
    const country = { attribute: 'country', op: 'in', values: ['NL'] };
    await domain.set('theme', targeted('dark', country, 'light'));
    await domain.set('paymentKey', SECRET);
    await domain.set('supportEmail', 'a@shop.test');
    // As values that were stored under an earlier schema.
    const lookalike = { $cohort: { defaultValue: 'sk_1' } };
    const old: [string, Tier, JsonValue][] = [
      ['cartItems', 'limit', 500],
      ['gone', 'feature_flag', true],
      ['contact', 'public', lookalike],
      ['vault', 'secret', lookalike],
    ];
    const row = { schemaId: schema.id, environmentId: environment.id };
    for (const [key, tier, value] of old) {
      await domain.storage.upsertValue(valueRow(domain.shop, { ...row, key, tier, value }));
    }
    const view = await domain.service.view(domain.principal(), 'development');
    const shown = {
      theme: 'light',
      supportEmail: 'a@shop.test',
      cartItems: 100,
      gone: true,
      contact: lookalike,
    };
    expect(values.list(domain.principal(), view)).toEqual({ ...shown, paymentKey: SECRET, vault: lookalike });
    const browser = domain.principal({ type: 'b2m' });
    expect(values.list(browser, view)).toEqual(shown);
    for (const [key, value] of Object.entries(shown)) expect(values.get(browser, view, key)).toEqual(value);
    expect(values.get(domain.principal(), view, 'paymentKey')).toBe(SECRET);
    const missing = (key: string) =>
      expect.objectContaining(refusal('not-found', `"${key}" has no value in "development"`));
    for (const key of ['paymentKey', 'vault', 'rate', '__proto__']) {
      expect(() => values.get(browser, view, key)).toThrow(missing(key));
    }
    expect(() => values.get(domain.principal(), view, 'rate')).toThrow(missing('rate'));
  });

  it('is of an environment of the organization that the caller may use', async () => {
    const domain = await newDomain();
    const other = await newDomain();
    const theirs = environmentRow(other.shop.organization, { name: 'theirs' });
    await other.storage.insertEnvironment(theirs);
    const { service } = domain;
    const limited = domain.principal({ environments: ['staging'] });
    await expect(service.view(limited, 'development')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(service.view(domain.principal(), 'theirs')).rejects.toMatchObject({ code: 'not-found' });
    await expect(service.view(limited, 'staging')).rejects.toMatchObject({ code: 'not-found' });
    expect((await service.view(other.principal(), 'theirs')).environment).toEqual(theirs);
    // Also once their views are in memory, for names that both organizations have.
    await other.set('theme', 'dark');
    await service.view(other.principal(), 'development');
    expect((await service.view(domain.principal(), 'development')).values.size).toBe(0);
  });
});
