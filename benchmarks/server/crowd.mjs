// 5,000 open event streams: memory of each, and one change to all, beside bare node:http that writes the same bytes. The clients
// are in processes of their own; each process needs some 5,300 files (`ulimit -n`). An older build in the same run:
//   node server/crowd.mjs --before CHECKOUT
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
  options: {
    streams: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
    before: { type: 'string' },
  },
});
const streams = Number(options.streams);
const rounds = Number(options.rounds);
const PROCESSES = 2;
/**
 * Streams that are open before the others are counted, so that code and the heap's spaces are those of a process that has
 * worked. After less than about 10 responses V8 gives each later one of bare node:http too 2.5 KiB more.
 */
const WARM_UP = 200;
const HERE = resolve(import.meta.dirname, '../..');

/** The memory of an idle process: it takes 14 s or more until V8 has shrunk its young generation and returned free pages. */
async function settled(server) {
  for (let second = 0; second < 30; second += 2) {
    // Collects garbage.
    await server.order('start');
    await server.order('stop');
    await sleep(2_000);
  }
  await server.order('start');
  return server.order('stop');
}

/** Opens the streams, and changes one flag a few times. */
async function crowd(server, { url, textOf, change }) {
  const clients = await Promise.all(Array.from({ length: PROCESSES }, () => start('crowd-clients.mjs')));
  const all = (name, parametersOf = () => ({})) =>
    Promise.all(clients.map((client, index) => client.order(name, parametersOf(index))));
  const open = (from, count) =>
    all('open', (index) => {
      const texts = Array.from({ length: count / PROCESSES }, (_, at) =>
        textOf(from + at * PROCESSES + index),
      );
      return { url, texts };
    });
  await open(0, WARM_UP);
  await change(0);
  const before = await settled(server);
  await open(WARM_UP, streams);
  const after = await settled(server);
  const bytes = (after.rss - before.rss) / streams;
  const heapBytes = (after.heap - before.heap) / streams;
  const samples = [];
  for (let turn = 1; turn <= rounds + 1; turn += 1) {
    await all('expect');
    await server.order('start', { tickMs: 5 });
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

async function crowdOfServer(checkout, path) {
  const shop = await startShop(checkout);
  const textOf = (index) =>
    requestText({ url: shop.url, path: `${shop.base}${path(index)}`, token: shop.token });
  const result = await crowd(shop, { url: shop.url, textOf, change: shop.flip });
  shop.stop();
  return result;
}

/** How many bytes a new stream of the server begins with. */
async function rulesetBytes() {
  const shop = await startShop(HERE);
  const ruleset = await shop.api('GET', '/ruleset?environment=development');
  shop.stop();
  return JSON.stringify(ruleset).length;
}

async function compare(title, { floorPath, orderName, path }) {
  const floor = await start('floor.mjs', { RULESET_BYTES: await rulesetBytes() });
  const floorText = (index) =>
    requestText({
      url: floor.streamUrl,
      path: floorPath,
      headers: { 'x-context': JSON.stringify(contextOf(index)) },
    });
  const change = (turn) => floor.order(orderName, { turn });
  const least = await crowd(floor, { url: floor.streamUrl, textOf: floorText, change });
  floor.stop();
  const older = options.before && (await crowdOfServer(resolve(options.before), path));
  const ours = await crowdOfServer(HERE, path);
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
  printTable(name, head, [
    row('bare node:http', least),
    ...(older ? [row('server, before', older)] : []),
    row('server', ours),
  ]);
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
