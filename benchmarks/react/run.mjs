// 1,000 components that each read one flag: the time to mount them, and to show one flag that flips. Each candidate is
// measured in pairs with the store by hand, in processes of its own (child.mjs). METHOD.md says why.
import { execFile } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    processes: { type: 'string', default: '5' },
    only: { type: 'string' },
    packages: { type: 'string', default: resolve(import.meta.dirname, '../../packages') },
  },
});
const rounds = countOf('rounds');
const processes = countOf('processes');
const PEERS = ['openFeature', 'unleash', 'launchDarkly', 'growthBook'];
const names = options.only?.split(',') ?? ['constants', 'byHandInContext', 'ours', ...PEERS];
const run = promisify(execFile);

const { bundle, exports } = await bundleOurs();
const candidatesOf = await import('./candidates.mjs');
const titles = new Map(names.map((name) => [name, titleOf(name)]));

const cpu = cpus()[0]?.model ?? 'unknown CPU';
process.stdout.write(
  `Node ${process.version}, ${cpu}, load ${loadavg()[0]?.toFixed(1)}, ${processes} processes of ${rounds} rounds each\n`,
);
const samples = new Map(names.map((name) => [name, []]));
const firsts = new Map(['byHand', ...names].map((name) => [name, []]));
for (let turn = 0; turn < processes; turn++) {
  // A process has one first mount, so there are more of these processes.
  for (let count = 0; count < 3; count++) {
    for (const [name, mounts] of firsts) mounts.push(await child(name, 0));
  }
  for (const name of names) samples.get(name).push(...(await child(name, rounds)));
}
print();
printPatches();
process.stdout.write(`\nload ${loadavg()[0]?.toFixed(1)} at the end\n`);

function countOf(name) {
  const count = Number(options[name]);
  if (Number.isInteger(count) && count >= 1) return count;
  process.stderr.write(`--${name} must be a whole number, at least 1\n`);
  return process.exit(2);
}

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
  const { href } = pathToFileURL(outfile);
  return { bundle: href, exports: await import(href) };
}

function titleOf(name) {
  const candidate = name === 'ours' ? candidatesOf.ours(exports) : candidatesOf[name];
  if (candidate?.name) return candidate.name;
  process.stderr.write(`--only: unknown candidate "${name}"\n`);
  process.exit(2);
}

async function child(candidate, count) {
  const path = resolve(import.meta.dirname, 'child.mjs');
  const args = ['--expose-gc', path, '--candidate', candidate, '--bundle', bundle, '--rounds', String(count)];
  const { stdout } = await run(process.execPath, args, { timeout: 1_800_000, maxBuffer: 2 ** 26 });
  return JSON.parse(stdout);
}

function quantile(numbers, part) {
  return numbers.toSorted((left, right) => left - right)[Math.floor((numbers.length - 1) * part)];
}

/** The median of the ratios of each pair, and their quartiles. */
function ratio(pairs, of) {
  const ratios = pairs.map(({ byHand, candidate }) => of(candidate) / of(byHand));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  return `${middle} (${low} to ${high})`;
}

function print() {
  const all = [...samples.values()].flat().map(({ byHand }) => byHand);
  const firstByHand = quantile(firsts.get('byHand'), 0.5);
  const middle = (list, of) => quantile(list.map(of), 0.5);
  const row = (title, first, list, ratios) => {
    const flip = middle(list, (sample) => sample.flip ?? Number.NaN);
    const flips = Number.isNaN(flip) ? [' ', ' ', ' '] : [flip.toFixed(3), ratios.flip, list[0].renders];
    const mounts = [middle(list, ({ mount }) => mount).toFixed(1), ratios.mount];
    const firstMounts = [first.toFixed(1), (first / firstByHand).toFixed(2)];
    return `| ${[title, ...mounts, ...firstMounts, ...flips].join(' | ')} |`;
  };
  const lines = names.map((name) => {
    const pairs = samples.get(name);
    const list = pairs.map(({ candidate }) => candidate);
    const ratios = { mount: ratio(pairs, ({ mount }) => mount), flip: ratio(pairs, ({ flip }) => flip) };
    return row(titles.get(name), quantile(firsts.get(name), 0.5), list, ratios);
  });
  process.stdout.write(`
| 1,000 components, one flag each | mount, ms of CPU | × by hand | first mount, ms of CPU | × by hand | one flips, ms | × by hand | renders |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${row(candidatesOf.byHand.name, firstByHand, all, { mount: '1.00', flip: '1.00' })}
${lines.join('\n')}
`);
}

/** A patch of one key costs what it changes, not what there is. */
function printPatches() {
  const counts = [50, 5000];
  const stores = counts.map((count) => patched(count));
  const best = counts.map(() => Infinity);
  for (let round = 0; round < 60; round++) {
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
  const keys = Array.from({ length: count }, (_, index) => `flag${index}`);
  const flags = Object.fromEntries(keys.map((key) => [key, { value: false, source: 'raw' }]));
  const store = new exports.SnapshotStore({ revision: '1', public: {}, flags, limits: {} }, 'live');
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
