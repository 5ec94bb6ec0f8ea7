import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { do_not_optimize, measure } from 'mitata';
import { configOf, keysOf, rulesetOf } from './schema.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

const KEYS = 100;
const MEMORY_KEYS = 10_000;
/** How many clients, how many changes they see, and how far apart. */
const FANS = [
  { readers: 1, changes: 300, everyMs: 10 },
  { readers: 100, changes: 100, everyMs: 50 },
  { readers: 1_000, changes: 30, everyMs: 500 },
];
const FAN_ROUNDS = 3;
const dist = resolve(import.meta.dirname, '../../packages/core/dist');

process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
printStarts(await measureStarts());
printFans(await measureFans());
printReads(await measureReads());
printMemory(await runScript('memory.mjs', { KEYS: MEMORY_KEYS }, ['--expose-gc']));

async function measureStarts() {
  const server = await startServer(KEYS);
  const { samples } = await runScript('starts.mjs', { URL: server.url, KEYS, ROUNDS: rounds * 4 });
  server.child.kill();
  return samples;
}

/** The server is one process, all readers of a row are another. The floor and the clients take turns. */
async function measureFans() {
  const rows = [];
  for (const { readers, changes, everyMs } of FANS) {
    const row = { readers, floor: [], client: [] };
    for (let round = 0; round < FAN_ROUNDS; round += 1) {
      for (const kind of ['floor', 'client']) {
        const server = await startServer(KEYS);
        const variables = { URL: server.url, KEYS, READERS: readers, KIND: kind };
        const reader = forkScript('reader.mjs', variables);
        await once(reader, 'message');
        server.child.send({ changes, everyMs });
        await once(server.child, 'message');
        reader.send({ isOver: true });
        const [{ latencies }] = await once(reader, 'message');
        server.child.kill();
        // A client applies changes that arrive together as one.
        if (latencies.length > readers * changes || latencies.length < readers * changes * 0.8) {
          throw new Error(`${kind}: ${latencies.length} of ${readers * changes} changes were seen`);
        }
        row[kind].push(...latencies);
      }
    }
    rows.push(row);
  }
  return rows;
}

async function measureReads() {
  const core = await import(pathToFileURL(resolve(dist, 'index.js')).href);
  const { createConfigClient } = await import(pathToFileURL(resolve(dist, 'server.js')).href);
  const keys = keysOf(KEYS);
  const values = new Map(Object.entries(rulesetOf(keys, 1).flags));
  const candidates = [{ name: 'a Map', read: (key) => values.get(key) }];
  for (const subscribers of [0, 100]) {
    const source = {
      start: async (sink) => sink.replace(rulesetOf(keys, 1)),
      stop: () => undefined,
    };
    const client = await createConfigClient({ config: configOf(keys, core), source }).ready();
    for (let count = 0; count < subscribers; count += 1) client.subscribe(() => undefined);
    candidates.push({
      name: `client.flag(), ${subscribers} subscribers`,
      read: (key) => client.flag(key),
    });
  }
  const samples = new Map(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < Math.min(rounds, 15); round += 1) {
    for (let turn = 0; turn < candidates.length; turn += 1) {
      const { name, read } = candidates[(turn + round) % candidates.length];
      let call = 0;
      const next = () => {
        call = (call + 1) % keys.flags.length;
        return do_not_optimize(read(keys.flags[call]));
      };
      samples.get(name).push((await measure(next, { min_cpu_time: 100_000_000 })).p50);
    }
  }
  return samples;
}

async function startServer(keys) {
  const child = forkScript('server.mjs', { KEYS: keys });
  const [{ url }] = await once(child, 'message');
  return { child, url };
}

function forkScript(name, variables, execArgv = []) {
  const env = { ...process.env };
  for (const [variable, value] of Object.entries(variables)) env[variable] = String(value);
  return fork(resolve(import.meta.dirname, name), { env, execArgv, serialization: 'advanced' });
}

async function runScript(name, variables, execArgv) {
  const [answer] = await once(forkScript(name, variables, execArgv), 'message');
  return answer;
}

function printStarts({ floor, alone, shared }) {
  const row = (name, times) => [
    name,
    median(times).toFixed(2),
    (median(times) / median(floor)).toFixed(2),
    quantile(times, 0.99).toFixed(2),
  ];
  printTable(
    `From start to ready, ${KEYS} keys`,
    ['ms, median', '× the requests', 'ms, p99'],
    [
      row('the two requests by hand', floor),
      row('a client with its own token', alone),
      row('another client of the process', shared),
    ],
  );
}

function printFans(rows) {
  const cells = rows.map(({ readers, floor, client }) => [
    readers.toLocaleString('en'),
    ...[floor, client].flatMap((times) => [median(times), quantile(times, 0.99)].map((ms) => ms.toFixed(2))),
    (median(client) / median(floor)).toFixed(2),
    (quantile(client, 0.99) / quantile(floor, 0.99)).toFixed(2),
  ]);
  const head = ['by hand: median', 'by hand: p99', 'client: median', 'client: p99', '× median', '× p99'];
  printTable('From a change to its readers, ms', head, cells, 'readers');
}

function printReads(samples) {
  const [floor] = [...samples.values()].map((times) => Math.min(...times));
  const rows = [...samples].map(([name, times]) => {
    const best = Math.min(...times);
    return [name, best.toFixed(1), (best / floor).toFixed(2), median(times).toFixed(1)];
  });
  printTable('A read', ['ns a call, best', '× the Map', 'median ns'], rows);
}

function printMemory({ floor, schema, client }) {
  const row = (name, bytes) => [
    name,
    (bytes / 1024 / 1024).toFixed(2),
    Math.round(bytes / MEMORY_KEYS).toLocaleString('en'),
    (bytes / floor).toFixed(2),
  ];
  const rows = [row('the parsed JSON', floor), row('the schema', schema), row('the client', client)];
  const title = `Memory for ${MEMORY_KEYS.toLocaleString('en')} keys, collected`;
  printTable(title, ['MiB', 'bytes a key', '× the JSON'], rows);
}

function printTable(title, head, rows, corner = '') {
  const lines = [[corner, ...head], ['---', ...head.map(() => '---:')], ...rows];
  process.stdout.write(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}

function median(numbers) {
  return quantile(numbers, 0.5);
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
