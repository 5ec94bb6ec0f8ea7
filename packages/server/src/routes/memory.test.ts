import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventReader } from '../test-support/event-reader.ts';
import { callApi, grant, postForm, tokenOf } from '../test-support/running-server.ts';
import { type ApiResponse, type Shop, startShop } from '../test-support/shop-server.ts';
import { logStatements } from '../test-support/statement-log.ts';

const READS = /^select .*"(environments|config_values|segments|schemas|revoked_tokens)"/;

function evaluate(shop: Shop, token = shop.token, environment = 'development'): Promise<ApiResponse> {
  return shop.call('POST', '/feature-flags/theme/evaluate', { environment }, { token });
}

describe('what a request needs is in memory', () => {
  it('so repeated requests neither read the storage nor verify their token again', async () => {
    const shop = await startShop();
    await shop.set('theme', 'dark');
    await evaluate(shop);
    const statements = logStatements();
    const verify = vi.spyOn(crypto.subtle, 'verify');
    for (let count = 0; count < 20; count += 1) expect((await evaluate(shop)).body.value).toBe('dark');
    await shop.ruleset();
    await shop.call('GET', '/values?environment=development');
    expect(statements.matching(READS)).toEqual([]);
    expect(verify).not.toHaveBeenCalled();
    verify.mockRestore();
  });

  it('and follows each write at once', async () => {
    const shop = await startShop();
    const value = async (environment?: string) => (await evaluate(shop, shop.token, environment)).body.value;
    expect(await value()).toBe('light');
    await shop.set('theme', 'dark');
    expect(await value()).toBe('dark');
    await shop.call('DELETE', '/values/theme?environment=development');
    expect(await value()).toBe('light');
    await shop.putSegment('all', { attribute: 'nothing', op: 'exists' });
    const rule = { id: 'all', when: { segment: 'all' }, value: 'dark' };
    await shop.set('theme', { $cohort: { rules: [rule], defaultValue: 'light' } });
    expect(await value()).toBe('light');
    await shop.putSegment('all', { not: { attribute: 'nothing', op: 'exists' } });
    expect(await value()).toBe('dark');
    const id = await shop.addEnvironment('preview', 'development');
    expect(await value('preview')).toBe('dark');
    await shop.set('theme', 'light');
    expect(await value('preview')).toBe('light');
    await shop.call('PATCH', `/environments/${id}`, { fallbackEnvironmentId: null });
    await shop.set('theme', 'dark');
    expect(await value('preview')).toBe('light');
    const jsonSchema = JSON.parse(
      JSON.stringify(shop.schema.jsonSchema).replace('"default":"light"', '"default":"dark"'),
    );
    await shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema });
    expect(await value('preview')).toBe('dark');
  });

  it('and follows a new name and the end of an environment', async () => {
    const shop = await startShop();
    const status = async (name: string) => (await evaluate(shop, shop.token, name)).status;
    const first = await shop.addEnvironment('preview');
    expect(await status('preview')).toBe(200);
    await shop.call('PATCH', `/environments/${first}`, { name: 'review' });
    expect([await status('preview'), await status('review')]).toEqual([404, 200]);
    await shop.addEnvironment('preview');
    await shop.set('theme', 'dark', 'preview');
    expect((await evaluate(shop, shop.token, 'preview')).body.value).toBe('dark');
    expect((await evaluate(shop, shop.token, 'review')).body.value).toBe('light');
    await shop.call('DELETE', `/environments/${first}`);
    expect([await status('preview'), await status('review')]).toEqual([200, 404]);
  });
});

describe('a token that was accepted before', () => {
  it('is refused as soon as it is revoked, also by requests that run meanwhile', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m' });
    for (let round = 0; round < 5; round += 1) {
      const [token, other] = [await tokenOf(shop.server, client), await tokenOf(shop.server, client)];
      if (round % 2 === 0) expect((await evaluate(shop, token)).status).toBe(200);
      const running = [evaluate(shop, token), evaluate(shop, token)];
      const revocation = await postForm(`${shop.server.url}/revoke`, { ...grant(client), token });
      expect(revocation.status).toBe(200);
      expect((await evaluate(shop, token)).status).toBe(401);
      await Promise.all(running);
      expect((await evaluate(shop, token)).status).toBe(401);
      expect((await evaluate(shop, other)).status).toBe(200);
    }
  });

  it('is refused when it expires', async () => {
    const shop = await startShop();
    const token = await tokenOf(shop.server, await shop.makeClient({ type: 'm2m' }));
    const expiresAtMs = Number(decodeJwt(token).exp) * 1000;
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    expect((await evaluate(shop, token)).status).toBe(200);
    vi.setSystemTime(expiresAtMs - 1);
    expect((await evaluate(shop, token)).status).toBe(200);
    vi.setSystemTime(expiresAtMs);
    expect((await evaluate(shop, token)).status).toBe(401);
  });

  it('is refused when its client is revoked, and has only the scopes that its client has left', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m', scopes: ['config:read', 'config:write'] });
    const token = await tokenOf(shop.server, client);
    const write = () => shop.call('PUT', '/values', shop.write({ key: 'theme', value: 'dark' }), { token });
    expect([(await evaluate(shop, token)).status, (await write()).status]).toEqual([200, 200]);
    const path = `/auth-clients/${client.id}`;
    await callApi(shop.server, path, {
      token: shop.token,
      method: 'PATCH',
      body: { scopes: ['config:read'], environments: ['development'] },
    });
    expect([(await evaluate(shop, token)).status, (await write()).status]).toEqual([200, 403]);
    expect((await evaluate(shop, token, 'staging')).status).toBe(403);
    await callApi(shop.server, path, { token: shop.token, method: 'DELETE' });
    expect((await evaluate(shop, token)).status).toBe(401);
  });
});

it('a change is read once for all snapshot streams of its environment, or not at all', async () => {
  const shop = await startShop();
  const open = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () => EventReader.open(shop, '/snapshot/stream?environment=development')),
    );
  const statements = logStatements();
  const readsOf = async (streams: readonly EventReader[], change: () => Promise<unknown>) => {
    statements.clear();
    await change();
    for (const stream of streams) expect((await stream.next()).event).toBe('patch');
    return statements.matching(READS).length;
  };
  const few = await open(1);
  for (const stream of few) await stream.next();
  const byOne = await readsOf(few, () => shop.set('theme', 'dark'));
  const more = await open(20);
  for (const stream of more) await stream.next();
  const all = [...few, ...more];
  expect(await readsOf(all, () => shop.set('theme', 'light'))).toBe(byOne);
  const { body } = await shop.call('GET', `/schemas/${shop.schema.id}`);
  const text = JSON.stringify(body.jsonSchema).replace('"default":20', '"default":30');
  const push = () => shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema: JSON.parse(text) });
  expect(await readsOf(all, push)).toBeLessThan(20);
});
