// Forked: starts clients one after the other in a warm process, in turns with the two requests that a start needs.
import { configOf, keysOf } from './schema.mjs';

const { URL: url, KEYS, ROUNDS } = process.env;
const core = await import('../../packages/core/dist/index.js');
const { createConfigClient } = await import('../../packages/core/dist/server.js');
const config = configOf(keysOf(Number(KEYS)), core);
const settings = { apiUrl: url, authUrl: url, organizationId: 'o', environment: 'development' };
const samples = { floor: [], alone: [], shared: [] };
for (let round = -5; round < Number(ROUNDS); round += 1) {
  const turn = {
    floor: await timed(() => bare()),
    // With its own token, and with that of the earlier clients.
    alone: await timed(() => start(`client-${round}`)),
    shared: await timed(() => start('a-client')),
  };
  if (round < 0) continue;
  for (const [name, ms] of Object.entries(turn)) samples[name].push(ms);
}
process.send({ samples }, () => process.exit());

async function timed(work) {
  const startedAt = performance.now();
  const made = await work();
  const ms = performance.now() - startedAt;
  await made?.close();
  return ms;
}

function start(clientId) {
  return createConfigClient({ config, ...settings, clientId, clientSecret: 'a-secret-of-it' }).ready();
}

async function bare() {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' });
  const token = await (await fetch(`${url}/token`, { method: 'POST', body })).json();
  const headers = { authorization: `Bearer ${token.access_token}` };
  await (await fetch(`${url}/ruleset?environment=development`, { headers })).json();
}
