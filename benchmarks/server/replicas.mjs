// Writes with SQLite and with PostgreSQL, and how long a write takes to reach the streams of another server.
// DATABASE_URL names an empty PostgreSQL database: DATABASE_URL=postgres://… npm run replicas
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfigServer } from '../../packages/server/dist/index.js';

const ROUNDS = 5;
const ROUND_MS = 2_000;
const VISIBLE_WRITES = 200;

const { DATABASE_URL: database } = process.env;
if (!database) throw new Error('Set DATABASE_URL to an empty PostgreSQL database.');
const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
const folder = await mkdtemp(join(tmpdir(), 'replicas-benchmark-'));
const sqlite = await createConfigServer({ db: join(folder, 'config.db'), env });
const first = await createConfigServer({ database, env });
const second = await createConfigServer({ database, env });

/** A schema with one key, and a token. */
async function prepare(server) {
  const { clientId: client_id, clientSecret: client_secret } = server.credentials;
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const { access_token: token } = await (await fetch(`${server.url}/token`, { method: 'POST', body })).json();
  const call = callerOf(server, token);
  const publicConfigSchema = { type: 'object', properties: { counter: { type: 'number' } } };
  const jsonSchema = { type: 'object', properties: { publicConfigSchema } };
  const { id: schemaId } = await call('POST', '/schemas', { name: 'counters', jsonSchema });
  const environmentId = (await call('GET', '/environments')).find(({ name }) => name === 'development').id;
  const write = (value, to = call) =>
    to('PUT', '/values', { schemaId, environmentId, key: 'counter', value, tier: 'public' });
  return { token, write };
}

function callerOf({ url, organizationId }, token) {
  return async (method, path, body) => {
    const response = await fetch(`${url}/organizations/${organizationId}/config${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

let next = 0;
/** Writes a second of some writers that wait for each response. */
async function rateOf(writes, writers) {
  const endsAtMs = performance.now() + ROUND_MS;
  let count = 0;
  const run = async (write) => {
    while (performance.now() < endsAtMs) {
      next += 1;
      await write(next);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, index) => run(writes[index % writes.length])));
  return (count * 1_000) / ROUND_MS;
}

/** Milliseconds from the request of a write to its event at a stream, for each of some writes. */
async function visible(server, token, write) {
  const arrived = new Map();
  const stop = new AbortController();
  const { url, organizationId } = server;
  const stream = await fetch(`${url}/organizations/${organizationId}/config/stream?environment=development`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  });
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream.body) {
      for (const [, value] of decoder.decode(chunk).matchAll(/"value":(\d+)/g)) {
        arrived.get(Number(value))?.(performance.now());
      }
    }
  })().catch(() => undefined);
  const times = [];
  for (let count = 0; count < VISIBLE_WRITES; count += 1) {
    next += 1;
    const value = next;
    const event = new Promise((resolve) => arrived.set(value, resolve));
    const sentAtMs = performance.now();
    await write(value);
    times.push((await event) - sentAtMs);
  }
  stop.abort();
  await reading;
  return times.sort((one, other) => one - other);
}

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
const onSqlite = await prepare(sqlite);
const onPostgres = await prepare(first);
const atSecond = (value) => onPostgres.write(value, callerOf(second, onPostgres.token));
const candidates = {
  'SQLite in a file': [onSqlite.write],
  'PostgreSQL, one server': [onPostgres.write],
  'PostgreSQL, two servers': [onPostgres.write, atSecond],
};
for (const writers of [1, 8]) {
  const rates = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, writes] of Object.entries(candidates)) rates[name].push(await rateOf(writes, writers));
  }
  const base = median(rates['SQLite in a file']);
  for (const [name, all] of Object.entries(rates)) {
    const ratio = (median(all) / base).toFixed(2);
    console.log(
      `${writers} writers, ${name}: ${ratio} × SQLite, ${Math.round(Math.max(...all))} a second at best`,
    );
  }
}
const rows = [
  ['SQLite, the same server', await visible(sqlite, onSqlite.token, onSqlite.write)],
  ['PostgreSQL, the same server', await visible(first, onPostgres.token, onPostgres.write)],
  ['PostgreSQL, another server', await visible(second, onPostgres.token, onPostgres.write)],
];
for (const [name, times] of rows) {
  const at = (share) => times[Math.floor(times.length * share)].toFixed(1);
  console.log(`write to visible, ${String(name)}: median ${String(at(0.5))} ms, p99 ${String(at(0.99))} ms`);
}
await Promise.all([sqlite.close(), first.close(), second.close()]);
await rm(folder, { recursive: true });
