import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from '../../scripts/workspace.mjs';
import { appFolder, buildApp, startApp } from './app.mjs';
import { fetchPage, quantile, scriptBytes, timeFlips, timePages } from './measure.mjs';
import { startShop } from './shop.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, 'no-build': { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
const REQUESTS = 25;
const FLIPS = 50;
/** Parts of the run that are compared by themselves, which shows how much the numbers vary. */
const PARTS = 4;
const PAGES = ['/constants/1', '/flags/1', '/constants/100', '/flags/100'];

if (!options['no-build']) await buildApp();
process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
const shop = await startShop(appFolder);
const app = await startApp(shop.env);
try {
  await checkPages();
  printPages(await timePages(app, PAGES, { rounds, requests: REQUESTS }));
  printBytes(await scriptBytes(app.url, '/constants/client'), await scriptBytes(app.url, '/client'));
  await measureFlips();
} finally {
  await app.stop();
  await shop.close();
}
process.stdout.write(`\nload at the end: ${loadavg()[0]?.toFixed(1)}\n`);

/** Both pages of a count must have the same text before they are compared. */
async function checkPages() {
  for (const count of [1, 100]) {
    for (const kind of ['constants', 'flags']) {
      const html = await fetchPage(`${app.url}/${kind}/${count}`);
      const values = html.match(/flag\d+: true/g) ?? [];
      if (values.length < count) throw new Error(`/${kind}/${count} has ${values.length} values`);
    }
  }
}

/** Each ratio is that of the whole run; in brackets, the lowest and the highest of its parts. */
function printPages(results) {
  process.stdout.write('\n| page | p50, ms | × | p99, ms | × | CPU, ms: mean | × |\n');
  process.stdout.write(`| --- |${' ---: |'.repeat(6)}\n`);
  const p50 = (values) => quantile(values, 0.5);
  const p99 = (values) => quantile(values, 0.99);
  for (const [path, { ms, cpu }] of results) {
    const floor = results.get(path.replace('flags', 'constants'));
    const isFloor = results.get(path) === floor;
    const cells = [
      [p50, ms, floor.ms],
      [p99, ms, floor.ms],
      [mean, cpu, floor.cpu],
    ].map(([measure, own, others]) => {
      const ratio = (part) => measure(partOf(own, part)) / measure(partOf(others, part));
      const ratios = Array.from({ length: PARTS }, (_, part) => ratio(part)).sort(
        (one, other) => one - other,
      );
      const spread = isFloor ? '' : ` (${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)})`;
      return `${measure(own).toFixed(2)} | ${(measure(own) / measure(others)).toFixed(2)}${spread}`;
    });
    process.stdout.write(`| ${path} | ${cells.join(' | ')} |\n`);
  }
}

/** A part of the run: the same rounds for every page. */
function partOf(values, part) {
  const length = Math.floor(values.length / PARTS);
  return values.slice(part * length, (part + 1) * length);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function printBytes(without, with_) {
  const kB = (bytes) => (bytes / 1000).toFixed(2);
  process.stdout.write(
    '\n| scripts of a page with one client component | kB | brotli, kB |\n| --- | ---: | ---: |\n',
  );
  process.stdout.write(`| constants | ${kB(without.plain)} | ${kB(without.brotli)} |\n`);
  process.stdout.write(`| two hooks, live | ${kB(with_.plain)} | ${kB(with_.brotli)} |\n`);
  process.stdout.write(
    `| added | ${kB(with_.plain - without.plain)} | ${kB(with_.brotli - without.brotli)} |\n`,
  );
}

async function measureFlips() {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    process.stdout.write('\nNo Chromium was found, so no flips are measured.\n');
    return;
  }
  const require = createRequire(resolve(import.meta.dirname, '../../apps/e2e/package.json'));
  const browser = await require('playwright-core').chromium.launch({
    executablePath,
    args: ['--no-sandbox'],
  });
  try {
    const times = await timeFlips({ url: app.url, page: await browser.newPage(), shop, flips: FLIPS });
    process.stdout.write('\n| from the request that sets a value | p50, ms | p99, ms | × stored |\n');
    process.stdout.write('| --- | ---: | ---: | ---: |\n');
    const floor = quantile(times.stored, 0.5);
    for (const [name, values] of Object.entries(times)) {
      const p50 = quantile(values, 0.5);
      process.stdout.write(
        `| ${name} | ${p50} | ${quantile(values, 0.99)} | ${(p50 / floor).toFixed(2)} |\n`,
      );
    }
  } finally {
    await browser.close();
  }
}
