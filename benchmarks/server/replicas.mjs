// Writes with SQLite and with PostgreSQL, and how long a write takes to reach the streams of other servers. Each server is a
// process. DATABASE_URL names an empty PostgreSQL database: DATABASE_URL=postgres://… npm run replicas
// With --before CHECKOUT, an older build is measured in the same run, in the database that DATABASE_URL_BEFORE names.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { start } from './children.mjs';
import { apiOf, tokenOf } from './shop.mjs';
import { median, printTable } from './tables.mjs';

const { values: options } = parseArgs({ options: { before: { type: 'string' } } });
const ROUNDS = 5;
const ROUND_MS = 2_000;
const WRITERS = 8;
const VISIBLE_WRITES = 300;
const NOW = resolve(import.meta.dirname, '../..');

const { DATABASE_URL: DATABASE, DATABASE_URL_BEFORE } = process.env;
if (!DATABASE) throw new Error('Set DATABASE_URL to an empty PostgreSQL database.');
const KEY = randomBytes(32).toString('base64');
const folder = await mkdtemp(join(tmpdir(), 'replicas-benchmark-'));

/** Starts servers with one database, and creates an environment and a key for each writer. */
async function startServers(count, variables) {
  const servers = [];
  for (let index = 0; index < count; index += 1) servers.push(await start('config-server.mjs', variables));
  const [first] = servers;
  const token = await tokenOf(first);
  const apis = servers.map((server) => apiOf(server, token));
  const counters = Array.from({ length: WRITERS }, (_, index) => [`counter${index}`, { type: 'number' }]);
  const publicConfigSchema = { type: 'object', properties: Object.fromEntries(counters) };
  const jsonSchema = { type: 'object', properties: { publicConfigSchema } };
  const { id: schemaId } = await apis[0]('POST', '/schemas', { name: 'counters', jsonSchema });
  const environments = [];
  for (let index = 0; index < WRITERS; index += 1) {
    environments.push((await apis[0]('POST', '/environments', { name: `env-${index}` })).id);
  }
  const write = ({ at, writer, environment, value }) => {
    const body = { schemaId, environmentId: environments[environment], key: `counter${writer}`, value };
    return apis[at % servers.length]('PUT', '/values', { ...body, tier: 'public' });
  };
  return { servers, token, write };
}

let next = 0;
/** Writes a second of some writers that wait for each response, in one environment or in one of their own each. */
async function rateOf({ servers, write }, { writers, areApart, replicas }) {
  for (const server of servers) await server.order('start');
  const endsAtMs = performance.now() + ROUND_MS;
  let count = 0;
  const run = async (writer) => {
    while (performance.now() < endsAtMs) {
      next += 1;
      await write({ at: writer % replicas, writer, environment: areApart ? writer : 0, value: next });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)));
  let cpuMs = 0;
  for (const server of servers) cpuMs += (await server.order('stop')).cpuMs;
  return { rate: (count * 1_000) / ROUND_MS, cpuMs: cpuMs / count };
}

/** Milliseconds from the request of a write at the first server to its event at a stream of another one. */
async function visible({ servers, token, write }, at) {
  const arrived = new Map();
  const stop = new AbortController();
  const { url, organizationId } = servers[at];
  const stream = await fetch(`${url}/organizations/${organizationId}/config/stream?environment=env-0`, {
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
    const event = new Promise((done) => arrived.set(value, done));
    const sentAtMs = performance.now();
    await write({ at: 0, writer: 0, environment: 0, value });
    times.push((await event) - sentAtMs);
  }
  stop.abort();
  await reading;
  return times.sort((one, other) => one - other);
}

const sqlite = await startServers(1, { DIST: NOW, DB: join(folder, 'config.db'), KEY });
const postgres = await startServers(3, { DIST: NOW, DATABASE, KEY });
const all = [sqlite, postgres];
const candidates = [
  ['SQLite in a file', sqlite, 1],
  ['PostgreSQL, one server', postgres, 1],
  ['PostgreSQL, three servers', postgres, 3],
];
if (options.before !== undefined) {
  const before = await startServers(3, { DIST: resolve(options.before), DATABASE: DATABASE_URL_BEFORE, KEY });
  all.push(before);
  candidates.push(['before: PostgreSQL, one server', before, 1], ['before: three servers', before, 3]);
}
const columns = [
  { writers: 1, areApart: false },
  { writers: WRITERS, areApart: false },
  { writers: WRITERS, areApart: true },
];
const cells = candidates.map(() => columns.map(() => []));
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [column, load] of columns.entries()) {
    for (const [row, [, servers, replicas]] of candidates.entries()) {
      const sample = await rateOf(servers, { ...load, replicas });
      // The first round warms up.
      if (round >= 0) cells[row][column].push(sample);
    }
  }
}
const rateIn = (row, column) => median(cells[row][column].map(({ rate }) => rate));
const rows = candidates.map(([name], row) => [
  name,
  ...columns.flatMap((_, column) => [
    (rateIn(row, column) / rateIn(0, column)).toFixed(2),
    Math.max(...cells[row][column].map(({ rate }) => rate)).toFixed(0),
  ]),
  Math.min(...cells[row][1].map(({ cpuMs }) => cpuMs)).toFixed(1),
]);
const names = ['1 writer', `${WRITERS} writers, one environment`, `${WRITERS} writers, one each`];
const head = [...names.flatMap((name) => [`${name}, ×`, 'at best']), 'CPU ms of the servers for a write'];
const load = () => `load ${loadavg()[0]?.toFixed(1)}`;
printTable(`PUT /values a second, medians of ${ROUNDS} rounds in turns; ${load()}`, head, rows);

const places = [
  ['SQLite, the same server', sqlite, 0],
  ['PostgreSQL, the same server', postgres, 0],
  ['PostgreSQL, another of three servers', postgres, 2],
];
const visibleRows = [];
for (const [name, servers, at] of places) {
  const times = await visible(servers, at);
  const share = (part) => times[Math.floor(times.length * part)].toFixed(1);
  visibleRows.push([name, share(0.5), share(0.99)]);
}
printTable(`From the request of a write to its event, ms; ${load()}`, ['median', 'p99'], visibleRows);
for (const { servers } of all) for (const server of servers) server.stop();
await rm(folder, { recursive: true });
