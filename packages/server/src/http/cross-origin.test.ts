import { expect, it } from 'vitest';
import type { ConfigServer } from '../create-config-server.ts';
import { callApi, jsonOf, makeClient, startServer, tokenOf } from '../test-support/running-server.ts';

const ORIGIN = 'https://shop.example';
const PATH = '/config/snapshot';

function preflight(server: ConfigServer, origin: string, organization = server.organizationId) {
  return fetch(`${server.url}/organizations/${organization}${PATH}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
}

it('allows the origins of publishable keys and applies changes at once', async () => {
  const server = await startServer();
  const token = await tokenOf(server);
  expect((await preflight(server, ORIGIN)).headers.get('access-control-allow-origin')).toBeNull();

  const key = await makeClient(server, token, { type: 'b2m', allowedOrigins: [ORIGIN] });
  const allowed = await preflight(server, ORIGIN);
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
  expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
  expect(allowed.headers.get('vary')).toContain('Origin');
  expect((await preflight(server, ORIGIN, 'other')).headers.get('access-control-allow-origin')).toBeNull();
  expect((await preflight(server, 'https://evil.example')).status).toBe(404);

  const moved = { allowedOrigins: ['https://new.example'] };
  await callApi(server, `/auth-clients/${key.id}`, { token, method: 'PATCH', body: moved });
  expect((await preflight(server, ORIGIN)).headers.get('access-control-allow-origin')).toBeNull();
  const now = await preflight(server, 'https://new.example');
  expect(now.headers.get('access-control-allow-origin')).toBe('https://new.example');

  await callApi(server, `/auth-clients/${key.id}`, { token, method: 'DELETE' });
  const gone = await preflight(server, 'https://new.example');
  expect(gone.headers.get('access-control-allow-origin')).toBeNull();
});

it('lets a page read refusals too', async () => {
  const server = await startServer();
  await makeClient(server, await tokenOf(server), { type: 'b2m', allowedOrigins: [ORIGIN] });
  const refused = await callApi(server, '/config/values', { headers: { origin: ORIGIN } });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('access-control-allow-origin')).toBe(ORIGIN);
});

it('lets every page read why it gets no snapshot, and nothing else', async () => {
  const server = await startServer();
  const token = await tokenOf(server);
  const { publishableKey } = await makeClient(server, token, { type: 'b2m', allowedOrigins: [ORIGIN] });
  const headers = { origin: 'https://other.example' };
  const stream = (query: string, init: RequestInit = { headers }) =>
    fetch(`${server.url}/organizations/${server.organizationId}/config/snapshot/stream?${query}`, init);
  const refusals = [
    [await stream(`environment=development&key=${publishableKey}`), 403, /origin/],
    [await stream('environment=development&key=pk_wrong'), 401, /./],
    [await stream('environment=development'), 401, /./],
    [
      await stream(`environment=nothing&key=${publishableKey}`, { headers: { origin: ORIGIN } }),
      404,
      /nothing/,
    ],
    [
      await fetch(`${server.url}/v1/organizations/x/config/snapshot/stream?key=${publishableKey}`, {
        headers,
      }),
      404,
      /does not exist/,
    ],
  ] as const;
  for (const [response, status, message] of refusals) {
    expect(response.status).toBe(status);
    expect(response.headers.get('access-control-allow-origin')).toMatch(
      /^https:\/\/(?:other|shop)\.example$/,
    );
    expect(response.headers.get('vary')).toContain('Origin');
    expect((await jsonOf(response)).message).toMatch(message);
  }
  const values = await callApi(server, '/config/values', { headers });
  expect(values.status).toBe(401);
  expect(values.headers.get('access-control-allow-origin')).toBeNull();
});

it('allows no origin outside of the paths of an organization', async () => {
  const server = await startServer();
  await makeClient(server, await tokenOf(server), { type: 'b2m', allowedOrigins: [ORIGIN] });
  const response = await fetch(`${server.url}/token`, { method: 'POST', headers: { origin: ORIGIN } });
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
});
