import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { expect, it } from 'vitest';
import { callApi, temporaryDirectory } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';
import { withStorage } from '../test-support/two-organizations.ts';
import { hashCredential } from './credentials.ts';

interface Forger {
  /** The status of a request with a token signed with the server's own key. */
  statusOf: (claims?: JWTPayload, header?: Record<string, unknown>) => Promise<number>;
  shop: Shop;
}

async function startForger(): Promise<Forger> {
  const db = join(await temporaryDirectory(), 'config.db');
  const first = await startShop({ db });
  await first.server.close();
  const [stored] = await withStorage(db, (storage) => storage.listSigningKeys());
  if (stored === undefined) throw new Error('The storage has no signing key.');
  const key = await importJWK(stored.privateJwk as JWK, 'ES256');
  const shop = await first.restart({ db });
  const clientId = String(first.server.credentials?.clientId);
  const good = (): JWTPayload => ({
    iss: shop.server.url,
    sub: clientId,
    client_id: clientId,
    org: shop.server.organizationId,
    scope: 'config:read config:write config:admin',
    aud: 'smooai-config',
    iat: Math.floor(Date.now() / 1000) - 10,
    exp: Math.floor(Date.now() / 1000) + 600,
    jti: randomUUID(),
  });
  const statusOf: Forger['statusOf'] = async (claims = {}, header = {}) => {
    const entries = Object.entries({ ...good(), ...claims }).filter(([, value]) => value !== undefined);
    const token = await new SignJWT(Object.fromEntries(entries))
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: stored.kid, ...header })
      .sign(key);
    return (await callApi(shop.server, '/auth-clients', { token })).status;
  };
  return { statusOf, shop };
}

it('a token signed with the server’s own key is refused for another audience, type, time, client or form', async () => {
  const { statusOf } = await startForger();
  expect(await statusOf()).toBe(200);
  const nowSec = Math.floor(Date.now() / 1000);
  const claims: [string, JWTPayload][] = [
    ['another audience', { aud: 'another-service' }],
    ['a list without the audience', { aud: ['a', 'b'] }],
    ['no audience', { aud: undefined } as unknown as JWTPayload],
    ['an expired token', { exp: nowSec - 1 }],
    ['no expiry', { exp: undefined } as unknown as JWTPayload],
    ['a token that is not valid yet', { nbf: nowSec + 600 }],
    ['no time of issue', { iat: undefined } as unknown as JWTPayload],
    ['no id', { jti: undefined } as unknown as JWTPayload],
    ['no subject', { sub: undefined } as unknown as JWTPayload],
    ['an unknown subject', { sub: randomUUID() }],
    ['no organization', { org: undefined }],
    ['another organization', { org: randomUUID() }],
    ['no scope', { scope: undefined }],
    ['a list of scopes', { scope: ['config:admin'] }],
    ['an organization that is not a string', { org: { toString: 'x' } }],
  ];
  for (const [name, change] of claims) expect(await statusOf(change), name).toBe(401);
  for (const header of [
    { typ: 'JWT' },
    { typ: undefined },
    { typ: 'id+jwt' },
    { kid: 'other' },
    { kid: undefined },
  ]) {
    expect(await statusOf({}, header), JSON.stringify(header)).toBe(401);
  }
  // A scope that the server does not have gives nothing; without the right one the request is refused.
  expect(await statusOf({ scope: 'config:everything' })).toBe(403);
  expect(await statusOf({ scope: 'config:read' })).toBe(403);
});

it('a token for a publishable key’s client is refused, and so is a machine client’s credential as a key', async () => {
  const { statusOf, shop } = await startForger();
  const key = await shop.makeClient({ type: 'b2m', allowedOrigins: ['http://shop.test'] });
  expect(await statusOf({ sub: key.clientId, client_id: key.clientId, scope: 'config:read' })).toBe(401);

  const db = join(await temporaryDirectory(), 'config.db');
  const first = await startShop({ db });
  await first.server.close();
  const credential = 'pk_of_a_machine';
  await withStorage(db, (storage) =>
    storage.insertAuthClient({
      id: randomUUID(),
      organizationId: first.server.organizationId,
      type: 'm2m',
      name: 'machine',
      credentialHash: hashCredential(credential),
      environments: null,
      scopes: ['config:read', 'config:write', 'config:admin'],
      allowedOrigins: ['http://shop.test'],
      createdAt: new Date().toISOString(),
      revokedAt: null,
    }),
  );
  const again = await first.restart({ db });
  const response = await callApi(again.server, '/config/values?environment=development', {
    token: credential,
    headers: { origin: 'http://shop.test' },
  });
  expect(response.status).toBe(401);
});
