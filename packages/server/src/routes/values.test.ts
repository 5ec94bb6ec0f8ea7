import { describe, expect, it } from 'vitest';
import { sharedShop, startShop } from '../test-support/shop-server.ts';
import { startTwoOrganizations } from '../test-support/two-organizations.ts';

describe('values', () => {
  it('stores a value and returns the row', async () => {
    const shop = await startShop();
    const response = await shop.call('PUT', '/values', shop.write({ key: 'newCheckout', value: true }));
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      id: expect.any(String),
      organizationId: shop.server.organizationId,
      schemaId: shop.schema.id,
      environmentId: shop.environments.development,
      key: 'newCheckout',
      value: true,
      tier: 'feature_flag',
      updatedBy: expect.any(String),
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    const again = await shop.set('newCheckout', false);
    expect(again).toMatchObject({ id: response.body.id, createdAt: response.body.createdAt, value: false });
  });

  it('reads one value or all of them, with secrets for machine clients', async () => {
    const shop = await startShop();
    await shop.set('apiBaseUrl', 'https://api.shop.test');
    const { id } = await shop.set('paymentKey', 'sk_live_12345678');
    await shop.set('cartItems', 40);
    expect((await shop.call('GET', '/values?environment=development')).body).toEqual({
      values: { apiBaseUrl: 'https://api.shop.test', paymentKey: 'sk_live_12345678', cartItems: 40 },
    });
    expect((await shop.call('GET', '/values/cartItems?environment=development')).body).toEqual({ value: 40 });
    const browser = await shop.makeClient({ type: 'b2m', allowedOrigins: ['http://shop.test'] });
    const options = { token: browser.publishableKey, headers: { origin: 'http://shop.test' } };
    const secret = '/values/paymentKey?environment=development';
    expect((await shop.call('GET', secret)).body).toEqual({ value: 'sk_live_12345678' });
    expect((await shop.call('GET', secret, undefined, options)).status).toBe(404);
    // Nor by the id of its row.
    expect((await shop.call('GET', `/values/${id}`)).body.value).toBe('sk_live_12345678');
    const row = await shop.call('GET', `/values/${id}`, undefined, options);
    expect([row.status, row.text.includes('sk_live')]).toEqual([400, false]);
    expect((await shop.call('GET', '/values?environment=development', undefined, options)).body).toEqual({
      values: { apiBaseUrl: 'https://api.shop.test', cartItems: 40 },
    });
    // A default does not count as a value.
    for (const key of ['theme', 'unknownKey', '__proto__', 'constructor', 'toString']) {
      const response = await shop.call('GET', `/values/${key}?environment=development`);
      expect(response.status).toBe(404);
      expect(response.body.message).toContain(key);
    }
  });

  it('accepts featureFlag as a name of the tier', async () => {
    const shop = await startShop();
    const body = { ...shop.write({ key: 'theme', value: 'dark' }), tier: 'featureFlag' };
    expect((await shop.call('PUT', '/values', body)).body.tier).toBe('feature_flag');
  });

  it('evaluates a targeted value for the empty context, and clamps a limit', async () => {
    const shop = await startShop();
    const when = { attribute: 'country', op: 'in', values: ['NL'] } as const;
    await shop.set('theme', {
      $cohort: {
        rules: [{ id: 'nl', when: { ...when, values: ['NL'] }, value: 'dark' }],
        defaultValue: 'light',
      },
    });
    await shop.set('cartItems', { $cohort: { defaultValue: 50 } });
    const { body } = await shop.call('GET', '/values?environment=development');
    expect(body.values).toEqual({ theme: 'light', cartItems: 50 });
  });

  it('takes missing values from the fallbacks', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.addEnvironment('preview-1', 'preview');
    await shop.set('theme', 'dark', 'staging');
    await shop.set('cartItems', 5, 'staging');
    await shop.set('cartItems', 7, 'preview');
    const values = async (environment: string) =>
      (await shop.call('GET', `/values?environment=${environment}`)).body.values;
    expect(await values('preview-1')).toEqual({ theme: 'dark', cartItems: 7 });
    expect(await values('production')).toEqual({});
    const deleted = await shop.call('DELETE', '/values/cartItems?environment=preview');
    expect(deleted.status).toBe(204);
    expect(await values('preview-1')).toEqual({ theme: 'dark', cartItems: 5 });
    // Its own value is gone, and the fallback's value is not its own.
    expect((await shop.call('DELETE', '/values/cartItems?environment=preview')).status).toBe(404);
  });

  it('deletes a secret only by force', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'sk_live_12345678');
    const refused = await shop.call('DELETE', '/values/paymentKey?environment=development');
    expect(refused.status).toBe(409);
    expect(refused.body.message).toContain('force=true');
    const unforced = await shop.call('DELETE', '/values/paymentKey?environment=development&force=false');
    expect(unforced.status).toBe(409);
    const done = await shop.call('DELETE', '/values/paymentKey?environment=development&force=true');
    expect(done.status).toBe(204);
    expect((await shop.ruleset()).secret).toEqual({});
  });

  it('writes all values of a bulk or none', async () => {
    const shop = await startShop();
    const values = [
      shop.write({ key: 'theme', value: 'dark' }),
      shop.write({ key: 'cartItems', value: 30 }),
      shop.write({ key: 'theme', value: 'light', environment: 'staging' }),
    ];
    const before = (await shop.ruleset()).revision;
    const done = await shop.call('PUT', '/values/bulk', { values });
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject([{ key: 'theme' }, { key: 'cartItems' }, { key: 'theme' }]);
    const after = await shop.ruleset();
    expect(Number(after.revision)).toBe(Number(before) + 1);

    const bad = [shop.write({ key: 'cartItems', value: 31 }), shop.write({ key: 'theme', value: 'pink' })];
    const refused = await shop.call('PUT', '/values/bulk', { values: bad });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain('values[1].value');
    expect(await shop.ruleset()).toEqual(after);
    const twice = [shop.write({ key: 'cartItems', value: 1 }), shop.write({ key: 'cartItems', value: 2 })];
    const repeated = await shop.call('PUT', '/values/bulk', { values: twice });
    expect(repeated.body.message).toContain('values[1].key');
    expect((await shop.call('PUT', '/values/bulk', { values: [] })).body).toEqual([]);
  });

  it('refuses a bulk of more than 1,000 values or 8 MiB', async () => {
    const shop = await startShop();
    const bulk = (values: unknown[]) => shop.call('PUT', '/values/bulk', { values });
    const write = shop.write({ key: 'theme', value: 'dark' });
    const tooMany = await bulk(Array(1_001).fill(write));
    expect([tooMany.status, tooMany.body.message]).toEqual([400, expect.stringContaining('1000')]);
    expect((await bulk(Array(1_000).fill(write))).body.message).not.toContain('1000');
    expect((await bulk(Array(40).fill({ ...write, value: 'x'.repeat(220_000) }))).status).toBe(413);
    // Below that size, it is the values that are refused.
    expect((await bulk(Array(30).fill({ ...write, value: 'x'.repeat(220_000) }))).status).toBe(400);
  });

  it('limits a client to its environments and scopes', async () => {
    const shop = await startShop();
    await shop.set('theme', 'dark', 'production');
    const token = await shop.tokenFor({ environments: ['staging'], scopes: ['config:read', 'config:write'] });
    const refused = [
      await shop.call('GET', '/values?environment=production', undefined, { token }),
      await shop.call('GET', '/ruleset?environment=production', undefined, { token }),
      await shop.call('GET', '/stream?environment=production', undefined, { token }),
      await shop.call('DELETE', '/values/theme?environment=production', undefined, { token }),
      await shop.call(
        'PUT',
        '/values',
        shop.write({ key: 'theme', value: 'light', environment: 'production' }),
        {
          token,
        },
      ),
      await shop.call('POST', '/environments', { name: 'mine' }, { token }),
      await shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema: {} }, { token }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
    const own = shop.write({ key: 'theme', value: 'light', environment: 'staging' });
    expect((await shop.call('PUT', '/values', own, { token })).status).toBe(200);
    const list = await shop.call('GET', '/environments', undefined, { token });
    expect(list.body).toMatchObject([{ name: 'staging' }]);

    const reader = await shop.tokenFor({ scopes: ['config:read'] });
    expect((await shop.call('PUT', '/values', own, { token: reader })).status).toBe(403);
    expect((await shop.call('GET', '/values?environment=staging', undefined, { token: reader })).status).toBe(
      200,
    );
  });

  it('treats rows of another organization as unknown', async () => {
    const { shop, other } = await startTwoOrganizations();
    const own = shop.write({ key: 'theme', value: 'dark' });
    for (const [field, id] of [
      ['environmentId', other.environment.id],
      ['schemaId', other.schema.id],
    ] as const) {
      const response = await shop.call('PUT', '/values', { ...own, [field]: id });
      expect(response.status).toBe(404);
      expect(response.body.message).toContain(field);
    }
  });
});

describe('a value that its schema refuses', () => {
  const shared = sharedShop();
  it.each([
    ['a wrong type', 'newCheckout', 'yes', 'value', 'must be a boolean'],
    ['a value that is not listed', 'theme', 'pink', 'value', '"light"'],
    ['a wrong format', 'apiBaseUrl', 'not a url', 'value', 'must be a URL'],
    ['a wrong item', 'contact', { phones: ['1', 2] }, 'value.phones[1]', 'must be a string'],
    ['a missing property', 'contact', {}, 'value', 'phones'],
    ['a limit that is too low', 'cartItems', 0, 'value', 'at least 1'],
    ['a limit that is too high', 'cartItems', 101, 'value', 'at most 100'],
    ['a limit off its step', 'cartItems', 1.5, 'value', 'multiple of 1'],
    ['a limit as a string', 'cartItems', '5', 'value', 'must be a number'],
    ['null', 'newCheckout', null, 'value', 'must be a boolean'],
  ])('is refused: %s', async (_, key, value, path, reason) => {
    const shop = await shared();
    const response = await shop.call('PUT', '/values', shop.write({ key, value }));
    expect(response.status).toBe(400);
    expect(response.body.message).toContain(`"${path}"`);
    expect(response.body.message).toContain(reason);
    expect((await shop.call('GET', '/values?environment=development')).body.values).toEqual({});
  });

  it('is accepted if a fraction is a multiple of the step', async () => {
    const shop = await startShop();
    for (const value of [0.3, 0.7, 1, 0]) expect((await shop.set('rate', value)).value).toBe(value);
  });

  it('never shows any part of a secret', async () => {
    const shop = await startShop();
    const secret = 'hunter2';
    const responses = [
      await shop.call('PUT', '/values', shop.write({ key: 'paymentKey', value: secret })),
      await shop.call('PUT', '/values', shop.write({ key: 'vault', value: { [secret]: 'x'.repeat(11) } })),
      await shop.call(
        'PUT',
        '/values',
        shop.write({ key: 'vault', value: { $cohort: { [secret]: secret } } }),
      ),
      await shop.call('PUT', '/values', {
        ...shop.write({ key: 'paymentKey', value: secret }),
        tier: 'public',
      }),
    ];
    for (const response of responses) {
      expect(response.status).toBe(400);
      expect(response.text).not.toContain(secret);
    }
  });

  it('is refused as the result of a rule, a variant or the default', async () => {
    const shop = await startShop();
    const all = { all: [] };
    const cases: [unknown, string][] = [
      [{ rules: [{ id: 'a', when: all, value: 'x' }], defaultValue: true }, 'value.$cohort.rules[0].value'],
      [
        { rollout: { variants: [{ value: 1, weight: 50 }] }, defaultValue: true },
        'value.$cohort.rollout.variants[0].value',
      ],
      [{ defaultValue: 'x' }, 'value.$cohort.defaultValue'],
      [{}, 'value.$cohort.defaultValue'],
      [null, 'value.$cohort'],
      [[], 'value.$cohort'],
      [
        {
          rules: [{ id: 'a', when: { attribute: 'a', op: 'like', values: [] }, value: true }],
          defaultValue: true,
        },
        'value.$cohort.rules[0].when.op',
      ],
      [{ rules: [{ id: 'a', when: { segment: 'vips' }, value: true }], defaultValue: true }, 'vips'],
      [
        { rollout: { variants: [{ value: true, weight: 101 }] }, defaultValue: true },
        'value.$cohort.rollout.variants[0].weight',
      ],
    ];
    for (const [cohort, place] of cases) {
      const body = { ...shop.write({ key: 'newCheckout', value: null }), value: { $cohort: cohort } };
      const response = await shop.call('PUT', '/values', body);
      expect(response.status, place).toBe(400);
      expect(response.body.message).toContain(place);
    }
    const secret = await shop.call(
      'PUT',
      '/values',
      shop.write({ key: 'supportEmail', value: { $cohort: {} } }),
    );
    expect(secret.body.message).toContain('only flags and limits');
    const limit = { $cohort: { rollout: { variants: [{ value: 500, weight: 1 }] }, defaultValue: 1 } };
    const refused = await shop.call('PUT', '/values', shop.write({ key: 'cartItems', value: limit }));
    expect(refused.body.message).toContain('at most 100');
  });

  it('is refused for a pattern that is invalid or takes exponential time', async () => {
    const shop = await startShop();
    const put = (pattern: string) =>
      shop.call(
        'PUT',
        '/values',
        shop.write({
          key: 'newCheckout',
          value: {
            $cohort: {
              rules: [
                { id: 'a', when: { attribute: 'email', op: 'matches', values: [pattern] }, value: true },
              ],
              defaultValue: false,
            },
          },
        }),
      );
    expect((await put('^.*@shop\\.test$')).status).toBe(200);
    for (const pattern of ['(', '(a+)+$', '^(\\w+\\s?)*$', 'x'.repeat(2_000)]) {
      const response = await put(pattern);
      expect(response.status, pattern).toBe(400);
      expect(response.body.message).toContain('$cohort.rules[0].when.values[0]');
    }
  });

  it('is refused if the request names the wrong rows', async () => {
    const shop = await startShop();
    const good = shop.write({ key: 'theme', value: 'dark' });
    const other = await shop.call('POST', '/schemas', { name: 'empty' });
    const cases: [Record<string, unknown>, number, string][] = [
      [{ ...good, key: 'nothing' }, 400, '"key"'],
      [{ ...good, key: 'constructor' }, 400, '"key"'],
      [{ ...good, tier: 'public' }, 400, '"tier"'],
      [{ ...good, tier: 'flag' }, 400, '"tier"'],
      [{ ...good, schemaId: 'nothing' }, 404, '"schemaId"'],
      [{ ...good, schemaId: other.body.id, key: 'nothing' }, 400, '"key"'],
      [{ ...good, environmentId: 'nothing' }, 404, '"environmentId"'],
    ];
    for (const [body, status, field] of cases) {
      const response = await shop.call('PUT', '/values', body);
      expect(response.status, field).toBe(status);
      expect(response.body.message).toContain(field);
    }
  });

  it('is refused if it is too large or too deep', async () => {
    const shop = await startShop();
    const send = async (text: string): Promise<{ status: number; body: unknown }> => {
      const { url, organizationId } = shop.server;
      const body = JSON.stringify(shop.write({ key: 'supportEmail', value: 'HERE' })).replace('"HERE"', text);
      const response = await fetch(`${url}/organizations/${organizationId}/config/values`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' },
        body,
      });
      return { status: response.status, body: await response.json() };
    };
    const large = await shop.call(
      'PUT',
      '/values',
      shop.write({ key: 'supportEmail', value: 'x'.repeat(262_143) }),
    );
    expect(large.status).toBe(413);
    expect(large.body.message).toContain('"value"');
    expect((await shop.set('supportEmail', 'x'.repeat(262_142))).key).toBe('supportEmail');
    expect(await send(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)).toEqual({
      status: 400,
      body: { message: expect.stringContaining('"value" is nested deeper') },
    });
    expect(await send('[1, 1e999]')).toEqual({
      status: 400,
      body: { message: expect.stringContaining('"value" contains a number that is too large') },
    });
  });
});
