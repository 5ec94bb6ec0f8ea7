import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createConfigServer } from '@smooai/config-server';
import { expect, it, onTestFinished } from 'vitest';

async function run(script: string, env: Record<string, string>): Promise<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const options = { env: { ...process.env, ...env }, timeout: 20_000 };
  return (await promisify(execFile)(process.execPath, [path], options)).stdout;
}

it('two copies of the package in one process share a provider, and tell each other’s errors', async () => {
  const server = await createConfigServer({});
  onTestFinished(() => server.close());
  const { authUrl = '', clientId = '', clientSecret = '' } = server.credentials ?? {};
  const env = { AUTH_URL: authUrl, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
  expect(JSON.parse(await run('./two-copies.mjs', env))).toEqual({
    copies: 2,
    shared: 1,
    // One of the shared provider, one of each that is not.
    tokens: 3,
    isOurs: true,
    warnings: [],
  });
});

it('a process ends though the refresh of a token is out', async () => {
  let exchanges = 0;
  const issuer = createServer((_, response) => {
    exchanges += 1;
    if (exchanges > 1) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: 't1', token_type: 'Bearer', expires_in: 2 }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    issuer.close();
    issuer.closeAllConnections();
  });
  const { port } = issuer.address() as AddressInfo;
  expect(await run('./ends-while-refreshing.mjs', { AUTH_URL: `http://127.0.0.1:${port}` })).toBe('stale');
  expect(exchanges).toBe(2);
});
