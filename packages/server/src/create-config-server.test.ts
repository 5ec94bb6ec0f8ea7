import { afterEach, expect, it } from 'vitest';
import { type ConfigServer, createConfigServer } from './create-config-server.ts';

const servers: ConfigServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

it('listens in memory with credentials that get a token', async () => {
  const server = await createConfigServer();
  servers.push(server);
  expect(server.environments).toEqual(['development', 'production', 'staging']);
  const { clientId, clientSecret, authUrl } = server.credentials ?? expect.fail('no credentials');
  const answer = await fetch(`${authUrl}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      provider: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    }),
  });
  expect(answer.status).toBe(200);
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const list = await fetch(`${server.url}/organizations/${server.organizationId}/auth-clients`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(list.status).toBe(200);
  expect(await list.json()).toMatchObject([{ type: 'm2m', name: 'admin' }]);
});
