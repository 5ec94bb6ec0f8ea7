import { connect } from 'node:net';
import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventReader } from '../test-support/event-reader.ts';
import { callApi, grant, postForm, tokenOf } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';

const STREAMS = ['/stream?environment=development', '/snapshot/stream?environment=development'];
const ORIGIN = 'http://shop.test';

/** Time passes only when the test says so, however long the test takes. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
}

function open(shop: Shop, path: string, token: string): Promise<EventReader> {
  return EventReader.open(shop, path, { authorization: `Bearer ${token}` });
}

describe.each(STREAMS)('%s', (path) => {
  it('ends when its token is revoked; other tokens of the client keep theirs', async () => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m' });
    const [revoked, other] = [await tokenOf(shop.server, client), await tokenOf(shop.server, client)];
    const ends = [await open(shop, path, revoked), await open(shop, path, revoked)];
    const lives = await open(shop, path, other);
    for (const stream of [...ends, lives]) await stream.next();
    const form = { ...grant(client), token: revoked };
    expect((await postForm(`${shop.server.url}/revoke`, form)).status).toBe(200);
    // The streams have lost their access before the revocation is confirmed, so no later write reaches them.
    await shop.set('theme', 'dark');
    for (const stream of ends) {
      await stream.ended();
      expect(stream.waiting).toBe(0);
    }
    expect(JSON.stringify(await lives.next())).toContain('dark');
    expect((await shop.call('GET', path, undefined, { token: revoked })).status).toBe(401);
  });

  it('ends before its token expires', async () => {
    const shop = await startShop();
    const token = await tokenOf(shop.server, await shop.makeClient({ type: 'm2m' }));
    stopClock();
    const stream = await open(shop, path, token);
    await stream.next();
    vi.advanceTimersByTime(Number(decodeJwt(token).exp) * 1000 - Date.now() - 31_000);
    await shop.set('theme', 'dark');
    expect(JSON.stringify(await stream.next())).toContain('dark');
    vi.advanceTimersByTime(31_000);
    await stream.ended();
  });

  it.each([
    ['its client loses a scope', { scopes: ['config:read', 'config:write'] }, { scopes: ['config:read'] }],
    [
      'its client loses an environment',
      { environments: ['development', 'staging'] },
      { environments: ['development'] },
    ],
  ])('ends when %s', async (_name, before, after) => {
    const shop = await startShop();
    const client = await shop.makeClient({ type: 'm2m', ...before });
    const stream = await open(shop, path, await tokenOf(shop.server, client));
    await stream.next();
    const { token } = shop;
    await callApi(shop.server, `/auth-clients/${client.id}`, { token, method: 'PATCH', body: after });
    await stream.ended();
    // The same token opens a stream with the rights that are left.
    await (await open(shop, path, await tokenOf(shop.server, client))).next();
  });
});

it('a stream of a publishable key has no token that could expire, and ends when the key loses its origin', async () => {
  const shop = await startShop();
  const origins = [ORIGIN, 'http://other.test'];
  const key = await shop.makeClient({ type: 'b2m', allowedOrigins: origins });
  stopClock();
  const stream = await EventReader.open(shop, STREAMS[1] ?? '', {
    authorization: `Bearer ${key.publishableKey}`,
    origin: ORIGIN,
  });
  await stream.next();
  vi.advanceTimersByTime(Number(decodeJwt(shop.token).exp) * 1000 - Date.now());
  expect((await shop.call('GET', '/schemas')).status).toBe(401);
  const token = await tokenOf(shop.server);
  const write = shop.write({ key: 'theme', value: 'dark' });
  expect((await shop.call('PUT', '/values', write, { token })).status).toBe(200);
  expect((await stream.next()).event).toBe('patch');
  await callApi(shop.server, `/auth-clients/${key.id}`, {
    token: await tokenOf(shop.server),
    method: 'PATCH',
    body: { allowedOrigins: ['http://other.test'] },
  });
  await stream.ended();
});

it('a stream that opens while its token is revoked ends too, whichever request is first', async () => {
  const shop = await startShop();
  const client = await shop.makeClient({ type: 'm2m' });
  for (let round = 0; round < 10; round += 1) {
    const token = await tokenOf(shop.server, client);
    const opening = STREAMS.map((path) => open(shop, path, token));
    const form = { ...grant(client), token };
    const revoking = postForm(`${shop.server.url}/revoke`, form);
    const late = STREAMS.map((path) => open(shop, path, token));
    expect((await revoking).status).toBe(200);
    for (const stream of await Promise.all([...opening, ...late])) await stream.ended();
  }
});

it('two requests on one connection have streams of their own tokens', async () => {
  const shop = await startShop();
  const client = await shop.makeClient({ type: 'm2m' });
  const [revoked, kept] = [await tokenOf(shop.server, client), await tokenOf(shop.server, client)];
  const { hostname, port, host } = new URL(shop.server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  const path = `/organizations/${shop.server.organizationId}/config${STREAMS[0]}`;
  const request = (token: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  // The second response waits for the end of the first one (HTTP/1.1 pipelining).
  socket.write(request(revoked) + request(kept));
  await expect.poll(() => received).toContain('event: ruleset');
  await postForm(`${shop.server.url}/revoke`, { ...grant(client), token: revoked });
  await expect.poll(() => received.split('event: ruleset').length).toBe(3);
  await shop.set('theme', 'dark');
  await expect.poll(() => received).toContain('event: change');
});

it.each(STREAMS)(
  '%s of a client that may not use the new name and fallback shows nothing of it',
  async (path) => {
    const shop = await startShop();
    const hidden = await shop.addEnvironment('hidden');
    await shop.set('banner', 'hidden words', 'hidden');
    const token = await shop.tokenFor({ environments: ['development'] });
    const stream = await open(shop, path, token);
    await stream.next();
    const update = { name: 'vault', fallbackEnvironmentId: hidden };
    expect((await shop.call('PATCH', `/environments/${shop.environments.development}`, update)).status).toBe(
      200,
    );
    await stream.ended();
    expect(stream.waiting).toBe(0);
  },
);
