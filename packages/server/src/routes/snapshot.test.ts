import type { Snapshot, SnapshotPatch } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { EventReader } from '../test-support/event-reader.ts';
import { callApi } from '../test-support/running-server.ts';
import { sharedShop, startShop } from '../test-support/shop-server.ts';

const environment = 'development';
const STREAM = '/snapshot/stream?environment=development';
const SECRET = 'sk_live_12345678';
const dutch = {
  $cohort: {
    rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: 'dark' }],
    defaultValue: 'light',
  },
};

/** The snapshot after a patch, as a client of the stream sees it. */
function patched(snapshot: Snapshot, patch: SnapshotPatch): Snapshot {
  const next = { ...snapshot, revision: patch.revision };
  for (const group of ['public', 'flags', 'limits'] as const) {
    const entries: Record<string, unknown> = { ...snapshot[group], ...patch[group] };
    for (const key of patch.deleted?.[group] ?? []) delete entries[key];
    next[group] = entries as never;
  }
  return next;
}

function encodeText(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function encode(context: unknown): string {
  return encodeText(JSON.stringify(context));
}

describe('the snapshot', () => {
  const shared = sharedShop();
  it('contains public values and evaluated flags for a context, with defaults and without secrets', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', SECRET);
    await shop.set('apiBaseUrl', 'https://api.shop.test');
    await shop.set('theme', dutch);
    const response = await shop.call('POST', '/snapshot', { environment, context: { country: 'NL' } });
    expect(response.body).toEqual({
      revision: (await shop.ruleset()).revision,
      public: { apiBaseUrl: 'https://api.shop.test', supportEmail: 'help@shop.test' },
      flags: {
        newCheckout: { value: false, source: 'default' },
        theme: { value: 'dark', source: 'rule', matchedRuleId: 'nl' },
      },
      limits: { cartItems: { value: 20, source: 'default' }, rate: { value: 0.5, source: 'default' } },
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('contains a stored null instead of the default', async () => {
    const shop = await startShop();
    const text = JSON.stringify(shop.schema.jsonSchema);
    const jsonSchema = JSON.parse(
      text.replace('"supportEmail":{"type":"string"', '"supportEmail":{"type":["string","null"]'),
    );
    await shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema });
    await shop.set('supportEmail', null);
    const { body } = await shop.call('POST', '/snapshot', { environment });
    expect(body.public).toEqual({ supportEmail: null });
  });

  it('contains only the requested keys', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', SECRET);
    const keys = ['theme', 'paymentKey', 'unknown', '__proto__'];
    const { body } = await shop.call('POST', '/snapshot', { environment, keys });
    expect(body).toMatchObject({ public: {}, flags: { theme: { value: 'light' } }, limits: {} });
    expect(Object.keys(body.flags ?? {})).toEqual(['theme']);
    expect((await shop.call('POST', '/snapshot', { environment, keys: [] })).body.flags).toEqual({});
  });

  it.each([
    ['too many keys', { keys: Array.from({ length: 2_001 }, () => 'theme') }, 400, 'keys'],
    ['a key that is too long', { keys: ['theme', 'x'.repeat(256)] }, 400, 'keys[1]'],
    ['a key that is not a string', { keys: [{}] }, 400, 'keys[0]'],
    ['keys that are not a list', { keys: { theme: true } }, 400, 'keys'],
    ['a context that is not an object', { context: 'x' }, 400, 'context'],
    ['a context that is too large', { context: { a: 'x'.repeat(8_185) } }, 413, 'context'],
    ['no environment', { environment: undefined }, 400, 'environment'],
  ])('is refused with %s', async (_, fields, status, field) => {
    const shop = await shared();
    const response = await shop.call('POST', '/snapshot', { environment, ...fields });
    expect(response.status).toBe(status);
    expect(response.body.message).toContain(`"${field}"`);
  });

  it('may have as many keys as a schema, and as long ones', async () => {
    const shop = await shared();
    const keys = Array.from({ length: 2_000 }, (_, index) => (index === 0 ? 'theme' : 'x'.repeat(255)));
    const context = { a: 'x'.repeat(8_184) };
    const response = await shop.call('POST', '/snapshot', { environment, keys, context });
    expect([response.status, Object.keys(response.body.flags ?? {})]).toEqual([200, ['theme']]);
  });

  it('works with publishable keys, without rules, segments or secrets', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', SECRET);
    await shop.putSegment('insiders', { attribute: 'email', op: 'in', values: ['ann@shop.test'] });
    await shop.set('theme', {
      $cohort: { rules: [{ id: 'a', when: { segment: 'insiders' }, value: 'dark' }], defaultValue: 'light' },
    });
    const { publishableKey: token } = await shop.makeClient({
      type: 'b2m',
      allowedOrigins: ['http://shop.test'],
    });
    const options = { token, headers: { origin: 'http://shop.test' } };
    const responses = [
      await shop.call('POST', '/snapshot', { environment }, options),
      await shop.call('GET', '/values?environment=development', undefined, options),
      await shop.call('GET', '/values/theme?environment=development', undefined, options),
      await shop.call('POST', '/feature-flags/theme/evaluate', { environment }, options),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(responses[1]?.body).toEqual({ values: { theme: 'light' } });
    const secret = await shop.call('GET', '/values/paymentKey?environment=development', undefined, options);
    expect(secret.status).toBe(404);
    for (const { text } of [...responses, secret]) {
      expect(text).not.toMatch(/sk_live|insiders|\$cohort|ann@shop/);
    }
    const writes = [
      await shop.call('PUT', '/values', shop.write({ key: 'theme', value: 'dark' }), options),
      await shop.call('DELETE', '/values/theme?environment=development', undefined, options),
      await shop.call('GET', '/schemas', undefined, options),
      await shop.call('GET', '/environments', undefined, options),
    ];
    expect(writes.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });
});

describe('the stream of snapshots', () => {
  const shared = sharedShop();
  it('sends a context only what changes for it', async () => {
    const shop = await startShop();
    const dutchStream = await EventReader.open(shop, `${STREAM}&context=${encode({ country: 'NL' })}`);
    const belgianStream = await EventReader.open(shop, `${STREAM}&context=${encode({ country: 'BE' })}`);
    const first = await dutchStream.next();
    expect(first.event).toBe('snapshot');
    expect(first.id).toBe(first.data.revision);
    expect((await belgianStream.next()).event).toBe('snapshot');

    await shop.set('paymentKey', SECRET);
    await shop.set('theme', dutch);
    const patch = await dutchStream.next();
    expect(patch).toEqual({
      id: expect.any(String),
      event: 'patch',
      data: { revision: patch.id, flags: { theme: { value: 'dark', source: 'rule', matchedRuleId: 'nl' } } },
    });
    // Nothing changed for the other context, so its next event is the next change.
    await shop.set('banner', 'Sale');
    expect((await belgianStream.next()).data).toEqual({
      revision: expect.any(String),
      flags: { banner: { value: 'Sale', source: 'raw' } },
    });
  });

  it('leads to the same snapshot as POST after many writes', async () => {
    const shop = await startShop();
    const stream = await EventReader.open(shop, STREAM);
    let snapshot = (await stream.next()).data as unknown as Snapshot;
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0 ? shop.set('cartItems', index + 1) : shop.set('supportEmail', `m${index}@shop.test`),
      ),
    );
    await shop.call('DELETE', '/values/cartItems?environment=development');
    await shop.set('banner', 'the end');
    const expected = (await shop.call('POST', '/snapshot', { environment })).body as unknown as Snapshot;
    // 40 writes, a deletion and the last write: at most one patch each.
    for (let patches = 0; patches < 42 && snapshot.flags.banner?.value !== 'the end'; patches++) {
      const event = await stream.next();
      expect(event.event).toBe('patch');
      snapshot = patched(snapshot, event.data as unknown as SnapshotPatch);
    }
    expect(snapshot).toEqual(expected);
  });

  it('sends new defaults when a schema is pushed', async () => {
    const shop = await startShop();
    const stream = await EventReader.open(shop, STREAM);
    await stream.next();
    const { body } = await shop.call('GET', `/schemas/${shop.schema.id}`);
    const text = JSON.stringify(body.jsonSchema).replace('"default":20', '"default":30');
    const pushed = await shop.call('POST', `/schemas/${shop.schema.id}/push`, {
      jsonSchema: JSON.parse(text),
    });
    expect(pushed.status).toBe(200);
    expect((await stream.next()).data.limits).toEqual({ cartItems: { value: 30, source: 'default' } });
  });

  it('opens for a publishable key in the query, with CORS headers, and ends when the key is revoked', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'b2m', allowedOrigins: ['http://shop.test'] });
    const { url, organizationId } = shop.server;
    const path = `${url}/organizations/${organizationId}/config${STREAM}&key=${client.publishableKey}`;
    const response = await fetch(path, { headers: { origin: 'http://shop.test' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://shop.test');
    const text = response.text();
    await callApi(shop.server, `/auth-clients/${client.id}`, { token: shop.token, method: 'DELETE' });
    expect(await text).toContain('event: snapshot');
    const foreign = await fetch(path, { headers: { origin: 'http://evil.test' } });
    expect([401, 403]).toContain(foreign.status);
  });

  it.each([
    ['not base64url', 'a b', 400, 'is not valid base64url. Send a JSON object encoded as base64url'],
    ['followed by more than padding', `${encode({})}=a`, 400, 'is not valid base64url'],
    ['padded too much', `${encode({})}===`, 400, 'is not valid base64url'],
    ['not JSON', 'eyJ', 400, 'is not valid JSON'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64url'), 400, 'is not valid JSON'],
    ['a list', encode([]), 400, 'is not an object'],
    ['null', encode(null), 400, 'is not an object'],
    ['a string', encode('x'), 400, 'is not an object'],
    ['too large', encode({ a: 'x'.repeat(9_000) }), 413, 'must have at most 8192 bytes'],
    ['a byte too large', encode({ a: 'x'.repeat(8_185) }), 413, 'has 8193 bytes'],
    ['larger as JSON', encodeText(`{"a":[${'1e20,'.repeat(1_000)}1]}`), 413, 'as JSON'],
    ['too deep', encodeText(`{"a":${'['.repeat(500)}${']'.repeat(500)}}`), 400, 'nested deeper'],
  ])('refuses a context that is %s', async (_, context, status, message) => {
    const shop = await shared();
    const response = await shop.call('GET', `${STREAM}&context=${encodeURIComponent(context)}`);
    expect(response.status).toBe(status);
    expect(response.body.message).toContain('"context"');
    expect(response.body.message).toContain(message);
  });

  it.each([
    ['of exactly the most bytes', encode({ a: 'x'.repeat(8_184) })],
    ['with padding', Buffer.from('{"a":1}').toString('base64').replaceAll('+', '-')],
    ['with - and _', encode({ a: '\u{3fffe}???~~~' })],
    ['that is empty', ''],
  ])('accepts a context %s', async (_, context) => {
    const shop = await shared();
    const stream = await EventReader.open(shop, `${STREAM}&context=${encodeURIComponent(context)}`);
    expect((await stream.next()).event).toBe('snapshot');
  });

  it('needs an environment, and one context', async () => {
    const shop = await shared();
    const nameless = await shop.call('GET', '/snapshot/stream');
    expect([nameless.status, nameless.body.message]).toEqual([400, expect.stringContaining('"environment"')]);
    const twice = await shop.call('GET', `${STREAM}&context=${encode({})}&context=${encode({})}`);
    expect([twice.status, twice.body.message]).toEqual([400, expect.stringContaining('"context"')]);
  });

  it('accepts a context with names of the prototype', async () => {
    const shop = await startShop();
    await shop.set('theme', dutch);
    const context = encodeText('{"__proto__":{"country":"NL"},"constructor":1}');
    const stream = await EventReader.open(shop, `${STREAM}&context=${context}`);
    const { data } = await stream.next();
    expect((data as unknown as Snapshot).flags.theme?.value).toBe('light');
  });
});
