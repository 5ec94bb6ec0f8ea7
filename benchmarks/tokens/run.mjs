import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { do_not_optimize, measure } from 'mitata';
import {
  azure,
  byHand,
  byHandWithExpiry,
  google,
  googleHandler,
  ours as oursOf,
  simpleOAuth2,
  smithy,
} from './candidates.mjs';
import { startCountingIssuer } from './issuer.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    core: { type: 'string', default: resolve(import.meta.dirname, '../../packages/core/dist') },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

const CALLERS = 10_000;
const MEMORY_CALLS = 1_000_000;
/** How long the issuer takes: long enough to tell a wait for it from a busy event loop. */
const LATENCY_MS = 50;
/** A token that lives 3 s, with the last second as its refresh window. */
const LIFE_SEC = 3;
const WINDOW_SEC = 1;
const STALE_AFTER_MS = 2_300;

const ours = oursOf(await import(pathToFileURL(resolve(options.core, 'server.js')).href));
const candidates = [byHand, byHandWithExpiry, ...ours, smithy, google, googleHandler, azure, simpleOAuth2];
const issuer = await startCountingIssuer({ latencyMs: LATENCY_MS });
const cpu = cpus()[0]?.model ?? 'unknown CPU';
const load = loadavg()[0]?.toFixed(1);
process.stdout.write(`Node ${process.version}, ${cpu}, load ${load}, best of ${rounds} rounds\n`);

printHits(await measureHits());
printStampedes(await measureStampedes());
printMemory(await measureMemory());
await issuer.close();

/** In turns, starting with another candidate each round, so that drift of the machine affects all alike. */
async function measureHits() {
  issuer.state.lifeSec = 7200;
  const gets = new Map(candidates.map((candidate) => [candidate, makeOf(candidate)]));
  for (const [candidate, get] of gets) await refuseStranger(candidate, get);
  const samples = new Map(candidates.map((candidate) => [candidate, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const candidate = candidates[(turn + round) % candidates.length];
      const get = gets.get(candidate);
      const { p50 } = await measure(async () => do_not_optimize(await get()), { min_cpu_time: 100_000_000 });
      samples.get(candidate).push(p50);
    }
  }
  return samples;
}

async function refuseStranger({ name }, get) {
  const before = issuer.state.exchanges;
  const [first, second] = [await get(), await get()];
  if (first !== second || first !== `token-${before + 1}`) {
    throw new Error(`${name}: got ${first} and ${second}, not one token of the issuer`);
  }
}

async function measureStampedes() {
  const results = [];
  for (const candidate of candidates) {
    issuer.state.lifeSec = LIFE_SEC + (candidate.windowSec ?? WINDOW_SEC) - WINDOW_SEC;
    const get = makeOf(candidate);
    const cold = await stampede(get);
    await sleep(STALE_AFTER_MS);
    // A caller that gets a different token at the refresh has waited for it.
    const held = new Set(cold.tokens);
    const refresh = await stampede(get);
    const waited = refresh.tokens.filter((token) => !held.has(token)).length;
    results.push({ candidate, cold, refresh, waited });
    process.stderr.write(`${candidate.name}: ${Math.round(performance.now() / 1000)} s\n`);
  }
  return results;
}

/** Starts all callers at once, and measures each from its call to its token. */
async function stampede(get) {
  const before = issuer.state.exchanges;
  const waits = [];
  const tokens = await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      const startedAt = performance.now();
      const token = await get();
      waits.push(performance.now() - startedAt);
      return token;
    }),
  );
  // A background request may still be running.
  await sleep(LATENCY_MS * 3);
  return { requests: issuer.state.exchanges - before, tokens, longestMs: Math.max(...waits) };
}

async function measureMemory() {
  issuer.state.lifeSec = 7200;
  const results = [];
  for (const candidate of [byHand, ...ours]) {
    const get = makeOf(candidate);
    for (let call = 0; call < 10_000; call++) await get();
    const before = heapBytes();
    for (let call = 0; call < MEMORY_CALLS; call++) await get();
    results.push({ candidate, grownBytes: heapBytes() - before });
  }
  return results;
}

function heapBytes() {
  for (let turn = 0; turn < 3; turn++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function makeOf(candidate) {
  return candidate.make({ url: issuer.url, windowSec: WINDOW_SEC });
}

function printHits(samples) {
  const best = new Map([...samples].map(([candidate, times]) => [candidate, Math.min(...times)]));
  const [floor] = best.values();
  process.stdout.write(
    '\nA token from the cache\n\n| | ns a call | × by hand | median ns |\n| --- | ---: | ---: | ---: |\n',
  );
  for (const [candidate, ns] of best) {
    const middle = median(samples.get(candidate));
    process.stdout.write(
      `| ${candidate.name} | ${format(ns)} | ${(ns / floor).toFixed(2)} | ${format(middle)} |\n`,
    );
  }
}

function printStampedes(results) {
  process.stdout.write(
    `\n${CALLERS.toLocaleString('en')} callers at once, an exchange takes ${LATENCY_MS} ms\n\n` +
      '| | requests cold | requests at refresh | callers that waited at refresh | longest wait at refresh, ms |\n' +
      '| --- | ---: | ---: | ---: | ---: |\n',
  );
  for (const { candidate, cold, refresh, waited } of results) {
    const cells = [cold.requests, refresh.requests, waited, Math.round(refresh.longestMs)];
    process.stdout.write(
      `| ${[candidate.name, ...cells.map((cell) => cell.toLocaleString('en'))].join(' | ')} |\n`,
    );
  }
}

function printMemory(results) {
  process.stdout.write(
    `\nHeap after ${MEMORY_CALLS.toLocaleString('en')} calls, collected before and after\n\n| | grown by, kB |\n| --- | ---: |\n`,
  );
  for (const { candidate, grownBytes } of results) {
    process.stdout.write(`| ${candidate.name} | ${(grownBytes / 1024).toFixed(1)} |\n`);
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

function format(ns) {
  return ns < 100 ? ns.toFixed(1) : Math.round(ns).toLocaleString('en');
}
