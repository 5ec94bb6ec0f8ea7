// 5,000 open event streams: memory of each, and one change to all, beside bare node:http that writes the same bytes. The clients
// are in processes of their own; each process needs some 5,100 files (`ulimit -n`).
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { start } from './children.mjs';
import { base64url, contextOf, FLAGS } from './flags.mjs';
import { requestText } from './load.mjs';
import { startShop } from './shop.mjs';
import { median, printTable } from './tables.mjs';

const { values: options } = parseArgs({
  options: { streams: { type: 'string', default: '5000' }, rounds: { type: 'string', default: '5' } },
});
const streams = Number(options.streams);
const rounds = Number(options.rounds);
const PROCESSES = 2;

async function settled(server) {
  for (let count = 0; count < 3; count += 1) {
    await server.order('start');
    await sleep(300);
    await server.order('stop');
  }
  await server.order('start');
  return server.order('stop');
}

/** Opens the streams, and changes one flag a few times. */
async function crowd(server, { url, textOf, change }) {
  const clients = await Promise.all(Array.from({ length: PROCESSES }, () => start('crowd-clients.mjs')));
  const all = (name, parametersOf = () => ({})) =>
    Promise.all(clients.map((client, index) => client.order(name, parametersOf(index))));
  const before = await settled(server);
  await all('open', (index) => {
    const texts = Array.from({ length: streams / PROCESSES }, (_, at) => textOf(at * PROCESSES + index));
    return { url, texts };
  });
  const after = await settled(server);
  const bytes = (after.rss - before.rss) / streams;
  const heapBytes = (after.heap - before.heap) / streams;
  const samples = [];
  for (let turn = 1; turn <= rounds + 1; turn += 1) {
    await all('expect');
    await server.order('start');
    const startedAt = performance.now();
    const arrived = all('next');
    await change(turn);
    await arrived;
    const ms = performance.now() - startedAt;
    // The first one compiles and warms up.
    const { cpuMs, longestCpuMs } = await server.order('stop');
    if (turn > 1) samples.push({ ms, cpuMs, longestCpuMs });
  }
  for (const client of clients) client.stop();
  const of = (field) => median(samples.map((sample) => sample[field]));
  return { bytes, heapBytes, cpuMs: of('cpuMs'), longestCpuMs: of('longestCpuMs'), ms: of('ms') };
}

async function compare(title, { floorPath, orderName, path }) {
  const shop = await startShop(resolve(import.meta.dirname, '../..'));
  // What a new stream of the server begins with.
  const ruleset = JSON.stringify(await shop.api('GET', '/ruleset?environment=development'));
  const floor = await start('floor.mjs', { RULESET_BYTES: ruleset.length });
  const floorText = (index) =>
    requestText({
      url: floor.streamUrl,
      path: floorPath,
      headers: { 'x-context': JSON.stringify(contextOf(index)) },
    });
  const change = (turn) => floor.order(orderName, { turn });
  const least = await crowd(floor, { url: floor.streamUrl, textOf: floorText, change });
  floor.stop();
  const textOf = (index) =>
    requestText({ url: shop.url, path: `${shop.base}${path(index)}`, token: shop.token });
  const ours = await crowd(shop, { url: shop.url, textOf, change: shop.flip });
  shop.stop();
  const row = (name, one) => [
    name,
    (one.bytes / 1024).toFixed(1),
    (one.bytes / least.bytes).toFixed(2),
    (one.heapBytes / 1024).toFixed(1),
    (one.heapBytes / least.heapBytes).toFixed(2),
    one.cpuMs.toFixed(0),
    (one.cpuMs / least.cpuMs).toFixed(2),
    one.longestCpuMs.toFixed(0),
    one.ms.toFixed(0),
    (one.ms / least.ms).toFixed(2),
  ];
  const head = [
    'KiB a stream',
    '×',
    'of which JavaScript',
    '×',
    'CPU ms',
    '×',
    'longest turn, CPU ms',
    'ms until all have it',
    '×',
  ];
  const load = loadavg()[0]?.toFixed(1);
  const name = `${title}: ${streams.toLocaleString('en')} streams, ${FLAGS.length} flags, one change; load ${load}`;
  printTable(name, head, [row('bare node:http', least), row('server', ours)]);
}

await compare('/stream', {
  floorPath: '/ruleset',
  orderName: 'change',
  path: () => '/stream?environment=development',
});
await compare('/snapshot/stream', {
  floorPath: '/',
  orderName: 'flip',
  path: (index) => `/snapshot/stream?environment=development&context=${base64url(contextOf(index))}`,
});
