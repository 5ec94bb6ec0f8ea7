// 1,000 components that each read one flag: the time to mount them, and to show one flag that flips; and the bytes of the
// same page. Each candidate runs in turns, in a process with React's production build in jsdom.
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { JSDOM } from 'jsdom';

process.env.NODE_ENV = 'production';
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    packages: { type: 'string', default: resolve(import.meta.dirname, '../../packages') },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

const { window } = new JSDOM('<!doctype html><body></body>', { url: 'http://localhost/' });
for (const name of ['window', 'document', 'HTMLElement', 'MutationObserver', 'Node', 'localStorage']) {
  Object.defineProperty(globalThis, name, {
    value: name === 'window' ? window : window[name],
    configurable: true,
  });
}
const bundled = await bundleOurs();
const { createElement: h, memo } = await import('react');
const { createRoot } = await import('react-dom/client');
const { flushSync } = await import('react-dom');
const candidatesOf = await import('./candidates.mjs');
const { byHand, growthBook, launchDarkly, openFeature, unleash } = candidatesOf;
const ours = candidatesOf.ours(bundled);
const candidates = [byHand, ours, openFeature, unleash, launchDarkly, growthBook];

const COUNT = 1000;
const FLIPS = 20;
const keys = Array.from({ length: COUNT }, (_, index) => `flag${index}`);
const turn = () => new Promise((done) => setImmediate(done));

const cpu = cpus()[0]?.model ?? 'unknown CPU';
process.stdout.write(
  `Node ${process.version}, ${cpu}, load ${loadavg()[0]?.toFixed(1)}, best of ${rounds} rounds\n`,
);

const results = new Map(candidates.map((candidate) => [candidate, { mounts: [], flips: [], renders: 0 }]));
for (let round = 0; round < rounds; round++) {
  for (let index = 0; index < candidates.length; index++) {
    const candidate = candidates[(index + round) % candidates.length];
    const { mount, flip, renders } = await measure(candidate);
    const result = results.get(candidate);
    result.mounts.push(mount);
    result.flips.push(flip);
    result.renders = renders;
  }
}
print();
printPatches();
process.exit(0);

/** Our built packages in one file beside the peers, so that all of them use the same copy of React. */
async function bundleOurs() {
  const outfile = resolve(import.meta.dirname, '../node_modules/.cache/ours.mjs');
  const [react, browser] = ['react/dist/index.js', 'core/dist/browser.js'].map((path) =>
    resolve(options.packages, path),
  );
  const contents = `export * from ${JSON.stringify(react)}; export { SnapshotStore } from ${JSON.stringify(browser)};`;
  const stdin = { contents, resolveDir: options.packages };
  await build({
    stdin,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['react', 'react/*'],
    outfile,
  });
  return import(pathToFileURL(outfile).href);
}

async function measure(candidate) {
  const { Provider, useFlag, flip, close } = await candidate.create(keys);
  let renders = 0;
  const One = memo(function One({ name }) {
    renders += 1;
    return h('i', { id: name }, String(useFlag(name)));
  });
  const children = keys.map((name) => h(One, { key: name, name }));
  const container = document.body.appendChild(document.createElement('div'));
  const root = createRoot(container);
  globalThis.gc?.();
  // The processor's time, because a mount is long enough to be interrupted by other work on the machine.
  const start = process.cpuUsage();
  flushSync(() => root.render(h(Provider, null, children)));
  const { user, system } = process.cpuUsage(start);
  const mount = (user + system) / 1000;
  // Some providers render again once they are ready.
  for (let count = 0; count < 20; count++) await turn();
  const shown = (name) => document.getElementById(name)?.textContent;
  if (shown('flag0') !== 'false') throw new Error(`${candidate.name} shows ${shown('flag0')}`);
  const times = [];
  renders = 0;
  for (let index = 0; index < FLIPS; index++) {
    const name = keys[(index * 37) % COUNT];
    const before = performance.now();
    flip(name, true);
    for (let turns = 0; shown(name) !== 'true'; turns++) {
      if (turns > 1000) throw new Error(`${candidate.name} does not show the change`);
      await turn();
    }
    times.push(performance.now() - before);
    for (let count = 0; count < 5; count++) await turn();
  }
  const perFlip = renders / FLIPS;
  flushSync(() => root.unmount());
  container.remove();
  await close?.();
  return { mount, flip: median(times), renders: perFlip };
}

function median(numbers) {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)];
}

function print() {
  const floor = results.get(byHand);
  const lines = [...results].map(([{ name }, { mounts, flips, renders }]) => {
    const [mount, flip] = [Math.min(...mounts), Math.min(...flips)];
    const times = (value, least) => (value / Math.min(...least)).toFixed(2);
    return `| ${name} | ${mount.toFixed(1)} | ${times(mount, floor.mounts)} | ${flip.toFixed(3)} | ${times(flip, floor.flips)} | ${renders} |`;
  });
  process.stdout.write(`
| 1,000 components, one flag each | mount, ms | × by hand | one flips, ms | × by hand | renders |
| --- | ---: | ---: | ---: | ---: | ---: |
${lines.join('\n')}
`);
}

/** A patch of one key costs what it changes, not what there is. */
function printPatches() {
  const counts = [50, 5000];
  const stores = counts.map((count) => patched(count));
  const best = counts.map(() => Infinity);
  for (let round = 0; round < rounds * 2; round++) {
    for (const [index, patch] of stores.entries()) best[index] = Math.min(best[index], timeOf(patch));
  }
  const [few, many] = best;
  process.stdout.write(`
| a patch of one key | ns | × 50 keys |
| --- | ---: | ---: |
| among 50 keys | ${few.toFixed(0)} | 1.00 |
| among 5,000 keys | ${many.toFixed(0)} | ${(many / few).toFixed(2)} |
`);
}

function patched(count) {
  const names = Array.from({ length: count }, (_, index) => `flag${index}`);
  const flags = Object.fromEntries(names.map((name) => [name, { value: false, source: 'raw' }]));
  const store = new bundled.SnapshotStore({ revision: '1', public: {}, flags, limits: {} }, 'live');
  let revision = 1;
  return () => {
    revision += 1;
    store.patch({
      revision: String(revision),
      flags: { flag7: { value: revision % 2 === 0, source: 'raw' } },
    });
  };
}

function timeOf(patch) {
  const turns = 2000;
  const start = performance.now();
  for (let turn = 0; turn < turns; turn++) patch();
  return ((performance.now() - start) / turns) * 1e6;
}
