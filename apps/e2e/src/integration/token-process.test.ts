import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createConfigServer } from '@smooai/config-server';
import { expect, it, onTestFinished } from 'vitest';
import { runScript } from './child-script.ts';

it('two copies of the package in one process share a provider, and recognize each other’s errors', async () => {
  const server = await createConfigServer({});
  onTestFinished(() => server.close());
  const { authUrl = '', clientId = '', clientSecret = '' } = server.credentials ?? {};
  const env = { AUTH_URL: authUrl, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
  expect(JSON.parse(await runScript('two-copies.mjs', { env }))).toEqual({
    copies: 2,
    shared: 1,
    // One token of the shared provider, and one of each of the other two.
    tokens: 3,
    isOurs: true,
    warnings: [],
  });
});

it('a process ends even while a token is being refreshed', async () => {
  let exchanges = 0;
  const issuer = createServer((_, response) => {
    exchanges += 1;
    if (exchanges > 1) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: 't1', token_type: 'Bearer', expires_in: 3600 }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    issuer.close();
    issuer.closeAllConnections();
  });
  const { port } = issuer.address() as AddressInfo;
  const env = { AUTH_URL: `http://127.0.0.1:${port}` };
  expect(await runScript('ends-while-refreshing.mjs', { env })).toBe('stale');
  await expect.poll(() => exchanges, { timeout: 60_000 }).toBe(2);
});
