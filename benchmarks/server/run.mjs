import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { measured, start } from './children.mjs';
import { base64url, contextOf, FLAGS } from './flags.mjs';
import { hammer, open, openStreams, requestText } from './load.mjs';
import { startShop, TEXTS } from './shop.mjs';
import { median, printTable } from './tables.mjs';

const { values: options } = parseArgs({
  options: {
    before: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true, default: ['evaluate', 'flips', 'resumes', 'readers'] },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

const STREAMS = 1_000;
const REQUESTS = 1_000;
const WARM_UP = 8_000;
/** Short bursts in turns, so that some of each fall into a quiet moment of the machine. */
const BURSTS = 10;
const WRITES = 900;
const RESUMES = 20;
const SILENT_READERS = 100;
const TEXT_BYTES = 200_000;
const RULESET_BYTES = TEXTS * TEXT_BYTES;
const MB = 1024 * 1024;
const HEALTH = ['/healthz, ms: median', 'longest'];

/** The builds to compare: a checkout whose packages are built, and its name in the tables. */
const builds = [
  ...(options.before === undefined ? [] : [['before', resolve(options.before)]]),
  ['now', resolve(import.meta.dirname, '../..')],
];

process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
if (options.only.includes('evaluate')) await measureEvaluate();
if (options.only.includes('flips')) await measureFlips();
if (options.only.includes('resumes')) await measureResumes();
if (options.only.includes('readers')) await measureSilentReaders();
process.stdout.write(`\nload at the end: ${loadavg()[0]?.toFixed(1)}\n`);

async function measureEvaluate() {
  const floor = await start('floor.mjs', { RULESET_BYTES: 1 });
  const shops = await Promise.all(builds.map(async ([name, dist]) => [name, await startShop(dist)]));
  const targets = [['bare fastify', floor], ...shops].map(([name, server]) => {
    const path = `${server.base ?? '/organizations/o/config'}/feature-flags/${FLAGS[0]}/evaluate`;
    const body = { environment: 'development', context: contextOf(0) };
    const text = requestText({ url: server.url, method: 'POST', path, token: server.token ?? 'x', body });
    const send = async (requests) => {
      const failed = await hammer(server.url, text, { connections: 10, requests });
      if (failed > 0) throw new Error(`${name}: ${failed} requests failed`);
    };
    return { name, server, send, bursts: [] };
  });
  for (const { send } of targets) await send(WARM_UP);
  for (let burst = 0; burst < rounds * BURSTS; burst += 1) {
    for (const { server, send, bursts } of targets) {
      await server.order('start');
      const startedAt = performance.now();
      await send(REQUESTS);
      const ms = performance.now() - startedAt;
      bursts.push({ ms, ...(await server.order('stop')) });
    }
  }
  const rows = [];
  // Other work on the machine only adds to both.
  const bestOf = (bursts, value) => Math.min(...bursts.map(value)) / REQUESTS;
  const [least] = targets.map(({ bursts }) => bestOf(bursts, ({ cpuMs }) => cpuMs));
  for (const { name, server, send, bursts } of targets) {
    const health = await measured(server, () => send(WARM_UP));
    const cpuMs = bestOf(bursts, (burst) => burst.cpuMs);
    const perSecond = 1000 / bestOf(bursts, ({ ms }) => ms);
    rows.push([
      name,
      (cpuMs * 1000).toFixed(0),
      (least / cpuMs).toFixed(2),
      perSecond.toFixed(0),
      ...healthOf([health]),
    ]);
    server.stop();
  }
  const head = ['CPU µs a request', '× as many', 'a second', ...HEALTH];
  printTable(`POST …/evaluate on 10 connections, best of ${rounds * BURSTS} bursts`, head, rows);
}

async function measureFlips() {
  const rows = [];
  const floor = await start('floor.mjs', { RULESET_BYTES: 1 });
  const floorSamples = await flips(floor, {
    url: floor.streamUrl,
    textOf: contextRequest(floor.streamUrl),
    flip: (turn) => floor.order('flip', { turn }),
  });
  floor.stop();
  const least = median(floorSamples.map(({ cpuMs }) => cpuMs));
  const add = (name, all) => {
    const cpuMs = median(all.map((sample) => sample.cpuMs));
    rows.push([
      name,
      cpuMs.toFixed(0),
      (cpuMs / least).toFixed(1),
      median(all.map(({ longestCpuMs }) => longestCpuMs)).toFixed(0),
      median(all.map(({ ms }) => ms)).toFixed(0),
      ...healthOf(all),
    ]);
  };
  add('evaluate and write', floorSamples);
  for (const [name, dist] of builds) {
    const shop = await startShop(dist);
    const textOf = (index) =>
      requestText({
        url: shop.url,
        path: `${shop.base}/snapshot/stream?environment=development&context=${base64url(contextOf(index))}`,
        token: shop.token,
      });
    add(`server, ${name}`, await flips(shop, { url: shop.url, textOf, flip: shop.flip }));
    shop.stop();
    const next = await start('next-process.mjs', { DIST: dist });
    const flip = (turn) => next.order('flip', { turn });
    add(
      `Next process, ${name}`,
      await flips(next, { url: next.url, textOf: contextRequest(next.url), flip }),
    );
    next.stop();
  }
  const head = ['CPU ms', '×', 'longest turn, CPU ms', 'ms until all have it', ...HEALTH];
  printTable(
    `One flip, ${STREAMS.toLocaleString('en')} snapshot streams × ${FLAGS.length} flags`,
    head,
    rows,
  );
}

function contextRequest(url) {
  return (index) =>
    requestText({ url, path: '/', headers: { 'x-context': JSON.stringify(contextOf(index)) } });
}

/** Flips a flag once a round, and waits until every stream has its patch. */
async function flips(server, { url, textOf, flip }) {
  let patches = 0;
  let arrived = () => undefined;
  const texts = Array.from({ length: STREAMS }, (_, index) => textOf(index));
  const streams = await openStreams(url, texts, (chunk) => {
    if (!chunk.includes('event: patch')) return;
    patches += 1;
    if (patches % STREAMS === 0) arrived();
  });
  await sleep(1_000);
  const samples = [];
  for (let turn = 1; turn <= rounds + 1; turn += 1) {
    const sample = await measured(server, async () => {
      const all = new Promise((resolve) => {
        arrived = resolve;
      });
      await flip(turn);
      await all;
    });
    // The first one compiles and warms up.
    if (turn > 1) samples.push(sample);
  }
  streams.close();
  return samples;
}

async function measureResumes() {
  const rows = [];
  const floor = await start('floor.mjs', { RULESET_BYTES: TEXT_BYTES });
  rows.push([
    'write the ruleset',
    ...(await resumes(floor, requestText({ url: floor.streamUrl, path: '/ruleset' }), floor.streamUrl)),
  ]);
  floor.stop();
  for (const [name, dist] of builds) {
    const shop = await startShop(dist);
    const { revision } = await shop.api('GET', '/ruleset?environment=development');
    for (let count = 0; count < WRITES; count += 1) {
      await shop.setText('text0', String(count).padStart(TEXT_BYTES, 'x'));
    }
    const path = `${shop.base}/stream?environment=development`;
    const headers = { 'Last-Event-ID': revision };
    const text = requestText({ url: shop.url, path, token: shop.token, headers });
    rows.push([name, ...(await resumes(shop, text, shop.url))]);
    shop.stop();
  }
  const head = ['ms until all have begun', 'CPU ms', 'longest turn, CPU ms', 'more memory, MB', ...HEALTH];
  const title = `${WRITES} writes of ${TEXT_BYTES / 1000} KB, then ${RESUMES} resumes from before them`;
  printTable(title, head, rows);
}

async function resumes(server, text, url) {
  const { rss } = await settled(server);
  const sample = await measured(server, async () => {
    const streams = await openStreams(url, Array(RESUMES).fill(text), () => undefined);
    await sleep(500);
    return streams;
  });
  sample.result.close();
  return [
    (sample.ms - 500).toFixed(0),
    sample.cpuMs.toFixed(0),
    sample.longestCpuMs.toFixed(0),
    ((sample.rss - rss) / MB).toFixed(0),
    ...healthOf([sample]),
  ];
}

async function measureSilentReaders() {
  const rows = [];
  const floor = await start('floor.mjs', { RULESET_BYTES });
  const floorText = requestText({ url: floor.streamUrl, path: '/ruleset' });
  rows.push(['one shared buffer', ...(await silentReaders(floor, floorText, floor.streamUrl))]);
  floor.stop();
  for (const [name, dist] of builds) {
    const shop = await startShop(dist);
    for (let index = 0; index < TEXTS; index += 1) {
      await shop.setText(`text${index}`, 'x'.repeat(TEXT_BYTES));
    }
    await shop.api('GET', '/ruleset?environment=development');
    const path = `${shop.base}/stream?environment=development`;
    const text = requestText({ url: shop.url, path, token: shop.token });
    rows.push([name, ...(await silentReaders(shop, text, shop.url))]);
    shop.stop();
  }
  const head = ['CPU ms', 'longest turn, CPU ms', 'more memory, MB', ...HEALTH];
  printTable(`${SILENT_READERS} readers that never read a ruleset of ${RULESET_BYTES / 1e6} MB`, head, rows);
}

async function silentReaders(server, text, url) {
  const { rss } = await settled(server);
  const sockets = [];
  const sample = await measured(server, async () => {
    for (let count = 0; count < SILENT_READERS; count += 1) {
      const socket = open(url);
      socket.pause();
      sockets.push(socket);
      socket.write(text);
      await sleep(20);
    }
    await sleep(3_000);
  });
  for (const socket of sockets) socket.destroy();
  return [
    sample.cpuMs.toFixed(0),
    sample.longestCpuMs.toFixed(0),
    ((sample.rss - rss) / MB).toFixed(0),
    ...healthOf([sample]),
  ];
}

/** Collects garbage first, so that the memory of the preparation does not count. */
async function settled(server) {
  await server.order('start');
  await sleep(500);
  await server.order('stop');
  await server.order('start');
  return server.order('stop');
}

function healthOf(samples) {
  const longest = Math.max(...samples.map(({ healthLongestMs }) => healthLongestMs));
  return [median(samples.map(({ healthMs }) => healthMs)).toFixed(1), longest.toFixed(0)];
}
