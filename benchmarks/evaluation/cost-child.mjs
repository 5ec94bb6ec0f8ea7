/* One task with 10,000 flags × 3 rules, in a process of its own: node --expose-gc cost-child.mjs <task> <package root>. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COUNTRIES, MANY_FLAGS, SHARE_PERCENT, USERS } from './workload.mjs';

const [task, root] = process.argv.slice(2);
const core = (entry) => import(pathToFileURL(resolve(root, `packages/core/dist/${entry}.js`)).href);
const { defineConfig } = await core('index');
const { createConfigClient } = await core('server');

const SETTINGS = {
  apiUrl: 'https://config.example.com',
  organizationId: 'org-1',
  environment: 'benchmark',
  clientSecret: 'a client secret of a benchmark',
  overrides: false,
};
const inList = (attribute, ...values) => ({ attribute, op: 'in', values });

/** `own`: no condition occurs in two flags, which leaves nothing to share but the structure. */
function storedFlag({ key, countries, plan, partCountry }, isOwn) {
  const name = (text) => (isOwn ? `${text} of ${key}` : text);
  const rules = [
    { id: name('countries'), when: inList('country', ...countries.map(name)), value: true },
    { id: name('plan'), when: inList('plan', name(plan)), value: true },
    {
      id: name('part'),
      when: inList('country', name(partCountry)),
      rollout: { variants: [{ value: true, weight: SHARE_PERCENT }] },
    },
  ];
  return { $cohort: { rules, defaultValue: false } };
}

function rulesetText(count, isOwn = false) {
  const flags = Object.fromEntries(
    MANY_FLAGS.slice(0, count).map((flag) => [flag.key, storedFlag(flag, isOwn)]),
  );
  const rest = { public: {}, secret: {}, limits: {}, segments: {} };
  return JSON.stringify({ revision: '1', environment: 'benchmark', flags, ...rest });
}

function configOf(count) {
  const validate = (value = false) =>
    typeof value === 'boolean' ? { value } : { issues: [{ message: 'must be a boolean' }] };
  const boolean = { '~standard': { version: 1, vendor: 'benchmark', validate } };
  return defineConfig({
    flags: Object.fromEntries(MANY_FLAGS.slice(0, count).map(({ key }) => [key, boolean])),
  });
}

/** A source that gives a ruleset; without one, its start fails. */
function sourceOf(ruleset) {
  return {
    start(sink) {
      this.sink = sink;
      if (ruleset === undefined) return Promise.reject(new Error('no server'));
      sink.replace(ruleset());
      sink.confirm();
      sink.status('memory');
      return Promise.resolve();
    },
    stop() {},
  };
}

/**
 * Milliseconds that the main thread has run. Other processes do not count, and neither does the engine's compiler in its
 * own threads. Linux only; elsewhere it is wall-clock time.
 */
function threadMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

function heapBytes() {
  for (let turn = 0; turn < 4; turn++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function timed(work) {
  const start = threadMs();
  const result = await work();
  return { result, ms: threadMs() - start };
}

/** The time to parse a text, and nothing more. */
function parseMs(text) {
  const start = threadMs();
  const { revision } = JSON.parse(text);
  const ms = threadMs() - start;
  if (revision !== '1') throw new Error('not parsed');
  return ms;
}

async function load(isOwn) {
  const config = configOf(MANY_FLAGS.length);
  const text = rulesetText(MANY_FLAGS.length, isOwn);
  const parse = parseMs(text);
  const before = heapBytes();
  const source = sourceOf(() => JSON.parse(text));
  const { result: client, ms } = await timed(() =>
    createConfigClient({ config, source, ...SETTINGS }).ready(),
  );
  const heap = heapBytes() - before;
  for (const [index, { key }] of MANY_FLAGS.entries()) client.flag(key, USERS[index % USERS.length]);
  return { parse, load: ms, heap, heapRead: heapBytes() - before };
}

/** Microseconds for a patch of one key. */
async function patch(count) {
  const source = sourceOf(() => JSON.parse(rulesetText(count)));
  const client = await createConfigClient({ config: configOf(count), source, ...SETTINGS }).ready();
  const patches = 2_000;
  let revision = 1;
  const run = () => {
    for (let turn = 0; turn < patches; turn++) {
      const flag = MANY_FLAGS[turn % count];
      const value = storedFlag({ ...flag, plan: COUNTRIES[turn % 4] + revision }, false);
      revision++;
      const changes = [{ tier: 'feature_flag', key: flag.key, value }];
      source.sink.patch({ revision: String(revision), changes });
    }
  };
  run();
  const { ms } = await timed(run);
  if (client.health().revision !== String(revision)) throw new Error('a patch was not applied');
  await client.close();
  return { us: (ms * 1_000) / patches };
}

/** A start from the disk copy. */
async function disk() {
  const folder = await mkdtemp(join(tmpdir(), 'disk-copy-'));
  try {
    const file = join(folder, 'config.json');
    const config = configOf(MANY_FLAGS.length);
    const options = { config, cache: { file, writeIntervalMs: 1 }, fallback: 'cached', ...SETTINGS };
    const source = sourceOf(() => JSON.parse(rulesetText(MANY_FLAGS.length)));
    await (await createConfigClient({ ...options, source }).ready()).close();
    const parse = parseMs(rulesetText(MANY_FLAGS.length));
    const { result: client, ms } = await timed(() =>
      createConfigClient({ ...options, source: sourceOf(undefined) }).ready(),
    );
    if (client.origin('many0') !== 'cache') throw new Error('the disk copy was not used');
    return { parse, start: ms };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const TASKS = {
  load: () => load(false),
  own: () => load(true),
  patch100: () => patch(100),
  patch10000: () => patch(MANY_FLAGS.length),
  disk,
};
process.stdout.write(JSON.stringify(await TASKS[task]()));
process.exit(0);
