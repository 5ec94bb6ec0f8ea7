import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from './load.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    requests: { type: 'string', default: '1000' },
    nest: { type: 'string', default: '11' },
  },
});
const rounds = Number(options.rounds);
const requests = Number(options.requests);
const CONNECTIONS = 20;
const WARM_UP = 8_000;
const STOPS = 7;
const NAMES = [
  'constants, no parameters',
  'constants as parameters',
  'constants, in an AsyncLocalStorage',
  'constants as parameters, in an AsyncLocalStorage',
  '@smooai/config-nestjs',
  // It supports Nest up to 11.
  ...(options.nest === '12' ? [] : ['@openfeature/nestjs-sdk']),
];

linkPackages();
process.stdout.write(
  `Nest ${options.nest}, Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
printRequests(await measureRequests());
printStops(await measureStops());

/** Our packages among the others, so that they use the Nest of this folder and not that of the workspace. */
function linkPackages() {
  const home = resolve(import.meta.dirname, '../node_modules/@smooai');
  const packages = resolve(import.meta.dirname, '../../packages');
  if (!existsSync(resolve(packages, 'nestjs/dist'))) throw new Error('Build the packages first.');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(resolve(home, 'config-nestjs'), { recursive: true });
  symlinkSync(resolve(packages, 'core'), resolve(home, 'config'), 'junction');
  for (const file of ['dist', 'package.json']) {
    cpSync(resolve(packages, 'nestjs', file), resolve(home, 'config-nestjs', file), { recursive: true });
  }
}

async function start(name) {
  const child = fork(resolve(import.meta.dirname, 'app.mjs'), {
    env: { ...process.env, CANDIDATE: name, NEST: options.nest },
  });
  const [{ port }] = await once(child, 'message');
  return { child, port };
}

async function cpuOf(child) {
  child.send('cpu');
  const [{ cpuMs }] = await once(child, 'message');
  return cpuMs;
}

/** In turns, starting with another candidate each round, so that drift of the machine affects all alike. */
async function measureRequests() {
  const running = new Map();
  for (const name of NAMES) running.set(name, await start(name));
  for (const { port } of running.values()) {
    await load({ port, requests: WARM_UP, connections: CONNECTIONS });
  }
  const samples = new Map(NAMES.map((name) => [name, { perSecond: [], cpu: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < NAMES.length; turn += 1) {
      const name = NAMES[(turn + round) % NAMES.length];
      const { child, port } = running.get(name);
      const before = await cpuOf(child);
      const seconds = await load({ port, requests, connections: CONNECTIONS });
      const { perSecond, cpu } = samples.get(name);
      perSecond.push(requests / seconds);
      cpu.push(((await cpuOf(child)) - before) / requests);
    }
  }
  for (const { child } of running.values()) child.disconnect();
  return samples;
}

/** Whole processes: from SIGTERM to their end. */
async function measureStops() {
  const names = NAMES.filter((name) => !name.startsWith('constants') || name === NAMES[0]);
  const samples = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < STOPS; round += 1) {
    for (const name of names) {
      const { child, port } = await start(name);
      await load({ port, requests: 1, connections: 1 });
      const begin = performance.now();
      child.kill('SIGTERM');
      await once(child, 'exit');
      samples.get(name).push(performance.now() - begin);
    }
  }
  return samples;
}

function printRequests(samples) {
  const floor = samples.get(NAMES[0]);
  const columns = [
    'requests/s',
    'of constants, %',
    'CPU ms/request',
    'of constants, %',
    'best CPU ms',
    'of constants, %',
  ];
  process.stdout.write(`\n| a guard, three flags and a limit | ${columns.join(' | ')} |\n`);
  process.stdout.write(`| --- |${' ---: |'.repeat(columns.length)}\n`);
  for (const [name, { perSecond, cpu }] of samples) {
    // Compared round by round, because the machine drifts.
    const speed = median(perSecond.map((value, round) => (100 * value) / floor.perSecond[round]));
    const work = median(cpu.map((value, round) => (100 * floor.cpu[round]) / value));
    const best = (100 * Math.min(...floor.cpu)) / Math.min(...cpu);
    const cells = [
      median(perSecond).toFixed(0),
      speed.toFixed(1),
      median(cpu).toFixed(4),
      work.toFixed(1),
      Math.min(...cpu).toFixed(4),
      best.toFixed(1),
    ];
    process.stdout.write(`| ${name} | ${cells.join(' | ')} |\n`);
  }
}

function printStops(samples) {
  process.stdout.write('\n| from SIGTERM to the end of the process | ms, median |\n| --- | ---: |\n');
  for (const [name, times] of samples) process.stdout.write(`| ${name} | ${median(times).toFixed(1)} |\n`);
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
