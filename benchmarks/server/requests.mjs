// Evaluations, snapshots and tokens a second, on SQLite and on PostgreSQL, beside bare fastify that does the same work by hand.
// DATABASE_URL names an empty PostgreSQL database; without it, only SQLite is measured.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { start } from './children.mjs';
import { contextOf, FLAGS } from './flags.mjs';
import { hammer, requestText } from './load.mjs';
import { startShop } from './shop.mjs';
import { printTable } from './tables.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(options.rounds);
const CONNECTIONS = 10;
const DIST = resolve(import.meta.dirname, '../..');
const KEY = randomBytes(32).toString('base64');
const folder = await mkdtemp(join(tmpdir(), 'requests-benchmark-'));

const servers = [['bare fastify', await start('floor.mjs', { RULESET_BYTES: 1 })]];
servers.push(['SQLite', await startShop(DIST, { DB: join(folder, 'config.db'), KEY })]);
const { DATABASE_URL: DATABASE } = process.env;
if (DATABASE) servers.push(['PostgreSQL', await startShop(DIST, { DATABASE, KEY })]);

const body = { environment: 'development', context: contextOf(0) };
const kinds = [
  { name: 'evaluate', requests: 1_000, path: `/feature-flags/${FLAGS[0]}/evaluate` },
  { name: `snapshot of ${FLAGS.length} flags`, requests: 100, path: '/snapshot' },
  { name: 'token', requests: 500 },
];

const rows = [];
for (const { name, requests, path } of kinds) {
  const targets = servers.map(([label, server]) => {
    const base = server.base ?? '/organizations/o/config';
    const form = { grant_type: 'client_credentials', client_id: server.clientId ?? 'x' };
    const text = requestText({
      url: server.url,
      method: 'POST',
      ...(path === undefined
        ? {
            path: '/token',
            body: new URLSearchParams({ ...form, client_secret: server.clientSecret ?? 'x' }),
          }
        : { path: base + path, body, token: server.token ?? 'x' }),
    });
    return { label, server, text, bursts: [] };
  });
  for (let round = -3; round < rounds; round += 1) {
    for (const { label, server, text, bursts } of targets) {
      await server.order('start');
      const startedAt = performance.now();
      const failed = await hammer(server.url, text, { connections: CONNECTIONS, requests });
      const ms = performance.now() - startedAt;
      const { cpuMs } = await server.order('stop');
      if (failed > 0) throw new Error(`${name}, ${label}: ${failed} requests failed`);
      // The first ones compile and warm up.
      if (round >= 0) bursts.push({ cpuMs, ms });
    }
  }
  // Other work on the machine only adds to all of them.
  const best = (bursts, field) => Math.min(...bursts.map((burst) => burst[field])) / requests;
  const least = best(targets[0].bursts, 'cpuMs');
  for (const { label, bursts } of targets) {
    const cpuMs = best(bursts, 'cpuMs');
    const perSecond = (1_000 / best(bursts, 'ms')).toFixed(0);
    rows.push([`${name}, ${label}`, (cpuMs * 1_000).toFixed(0), (least / cpuMs).toFixed(2), perSecond]);
  }
}
const head = ['CPU µs a request', '× as many', 'a second, best'];
printTable(`Best of ${rounds} bursts in turns, load ${loadavg()[0]?.toFixed(1)}`, head, rows);
for (const [, server] of servers) server.stop();
await rm(folder, { recursive: true });
