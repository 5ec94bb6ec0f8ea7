import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

describe('environments', () => {
  it('are created, listed, changed and deleted', async () => {
    const shop = await startShop();
    const made = await shop.call('POST', '/environments', {
      name: 'preview',
      description: 'for reviews',
      fallbackEnvironmentId: shop.environments.staging,
    });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.any(String),
      organizationId: shop.server.organizationId,
      name: 'preview',
      description: 'for reviews',
      fallbackEnvironmentId: shop.environments.staging,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const list = await shop.call('GET', '/environments');
    expect(list.body).toMatchObject([
      { name: 'development' },
      { name: 'preview' },
      { name: 'production' },
      { name: 'staging' },
    ]);
    const path = `/environments/${made.id}`;
    const changed = await shop.call('PATCH', path, { name: 'review', description: null });
    expect(changed.body).toMatchObject({ name: 'review', description: null });
    expect((await shop.call('GET', '/ruleset?environment=preview')).status).toBe(404);
    expect((await shop.ruleset('review')).environment).toBe('review');
    expect((await shop.call('DELETE', path)).status).toBe(204);
    expect((await shop.call('DELETE', path)).status).toBe(404);
  });

  it('cannot become a fallback through a client that may not read them', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'sk_live_12345678', 'production');
    const token = await shop.tokenFor({
      environments: ['development', 'staging'],
      scopes: ['config:read', 'config:write'],
    });
    const path = `/environments/${shop.environments.development}`;
    const patch = (fallback: string | null) =>
      shop.call(
        'PATCH',
        path,
        { fallbackEnvironmentId: fallback && (shop.environments[fallback] ?? '') },
        { token },
      );
    const refused = await patch('production');
    expect(refused.status).toBe(403);
    expect(refused.body.message).toContain('fallbackEnvironmentId');
    expect((await shop.ruleset()).secret).toEqual({});
    expect((await patch('staging')).status).toBe(200);
    expect((await patch(null)).status).toBe(200);
    // A fallback that an unlimited client has set may stay.
    await shop.call('PATCH', path, { fallbackEnvironmentId: shop.environments.production ?? '' });
    expect((await patch('production')).status).toBe(200);
    expect((await shop.call('PATCH', path, { description: 'mine' }, { token })).status).toBe(200);
  });

  it('can only be renamed and deleted by a client for all environments', async () => {
    const shop = await startShop();
    const token = await shop.tokenFor({
      environments: ['development', 'staging'],
      scopes: ['config:read', 'config:write'],
    });
    const path = `/environments/${shop.environments.staging}`;
    const refusals = [
      await shop.call('DELETE', path, undefined, { token }),
      await shop.call('PATCH', path, { name: 'development-2' }, { token }),
      // Not even to another name that it may use.
      await shop.call('PATCH', path, { name: 'development' }, { token }),
    ];
    for (const { status, body } of refusals) {
      expect(status).toBe(403);
      expect(body.message).toMatch(/limited to some environments.*config:write for all environments/);
    }
    expect((await shop.call('PATCH', path, { name: 'staging', description: 'x' }, { token })).status).toBe(
      200,
    );
    expect((await shop.call('PATCH', path, { name: 'qa' })).status).toBe(200);
    expect((await shop.call('DELETE', path)).status).toBe(204);
  });

  it('refuse a name that is taken or invalid', async () => {
    const shop = await startShop();
    for (const name of ['', 'A', 'a_b', '-a', 'a-', 'ü', 'a b', 'x'.repeat(101), 1, null, ['a']]) {
      const response = await shop.call('POST', '/environments', { name });
      expect(response.status, String(name)).toBe(400);
      expect(response.body.message).toContain('"name"');
      expect(response.body.message).not.toContain('[a-z0-9]');
    }
    const taken = await shop.call('POST', '/environments', { name: 'staging' });
    expect(taken.status).toBe(409);
    expect(taken.body.message).toContain('"name"');
    const renamed = await shop.call('PATCH', `/environments/${shop.environments.staging}`, {
      name: 'production',
    });
    expect(renamed.status).toBe(409);
  });

  it('have at most five fallbacks and no cycle', async () => {
    const shop = await startShop();
    let fallback = 'staging';
    for (const name of ['e1', 'e2', 'e3', 'e4', 'e5']) {
      await shop.addEnvironment(name, fallback);
      fallback = name;
    }
    await shop.set('theme', 'dark', 'staging');
    expect((await shop.ruleset('e5')).flags).toEqual({ theme: 'dark' });
    const six = await shop.call('POST', '/environments', {
      name: 'e6',
      fallbackEnvironmentId: shop.environments.e5,
    });
    expect(six.status).toBe(409);
    expect(six.body.message).toContain('more than 5');
    // A chain can also become too long at its end.
    const below = await shop.call('PATCH', `/environments/${shop.environments.staging}`, {
      fallbackEnvironmentId: shop.environments.production,
    });
    expect(below.status).toBe(409);
    for (const target of ['e3', 'e1']) {
      const response = await shop.call('PATCH', `/environments/${shop.environments.e1}`, {
        fallbackEnvironmentId: shop.environments[target],
      });
      expect(response.status).toBe(409);
      expect(response.body.message).toContain('cycle');
    }
    const unknown = await shop.call('POST', '/environments', { name: 'x', fallbackEnvironmentId: 'nothing' });
    expect(unknown.status).toBe(404);
    expect(unknown.body.message).toContain('"fallbackEnvironmentId"');
  });

  it('cannot be deleted while they are a fallback', async () => {
    const shop = await startShop();
    const id = await shop.addEnvironment('preview', 'staging');
    const refused = await shop.call('DELETE', `/environments/${shop.environments.staging}`);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      environments: ['preview'],
      message: expect.stringContaining('preview'),
    });
    expect((await shop.call('PATCH', `/environments/${id}`, { fallbackEnvironmentId: null })).status).toBe(
      200,
    );
    expect((await shop.call('DELETE', `/environments/${shop.environments.staging}`)).status).toBe(204);
  });

  it('get a new revision for a change in a fallback only if they see it', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.addEnvironment('preview-1', 'preview');
    await shop.set('theme', 'light', 'preview');
    const revisions = async () =>
      Promise.all(
        ['staging', 'preview', 'preview-1', 'production'].map(async (name) =>
          Number((await shop.ruleset(name)).revision),
        ),
      );
    const start = await revisions();
    await shop.set('theme', 'dark', 'staging');
    const hidden = await revisions();
    expect(hidden.map((revision, index) => revision - (start[index] ?? 0))).toEqual([1, 0, 0, 0]);
    await shop.set('cartItems', 3, 'staging');
    const seen = await revisions();
    expect(seen.map((revision, index) => revision - (hidden[index] ?? 0))).toEqual([1, 1, 1, 0]);
  });

  it('start above the revisions of a deleted environment of the same name', async () => {
    const shop = await startShop();
    const id = await shop.addEnvironment('preview');
    await shop.set('theme', 'dark', 'preview');
    const before = Number((await shop.ruleset('preview')).revision);
    await shop.call('DELETE', `/environments/${id}`);
    await shop.addEnvironment('preview');
    const after = await shop.ruleset('preview');
    expect(Number(after.revision)).toBeGreaterThan(before);
    expect(after.flags).toEqual({});
  });
});
