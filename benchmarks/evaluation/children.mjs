import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { format, median, printTable } from './table.mjs';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

const LIBRARIES = [
  ['parsed', 'JSON.parse of our ruleset, nothing more', false],
  ['compiled', '@smooai/config compile(), nothing else kept', false],
  ['client', '@smooai/config client', false],
  ['growthbook', 'GrowthBook', true],
  ['configcat', 'ConfigCat', true],
  ['launchdarkly', 'LaunchDarkly', true],
  ['unleash', 'Unleash', true],
];

/** Loads 10,000 flags with three rules each in every library, in processes of their own, in turns. */
export async function measureLoading(rounds) {
  const child = fileURLToPath(new URL('load-child.mjs', import.meta.url));
  const results = new Map(LIBRARIES.map(([library]) => [library, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [library, samples] of results) {
      const { stdout } = await run(process.execPath, ['--expose-gc', child, library], {
        timeout: TIMEOUT_MS,
      });
      samples.push(JSON.parse(stdout));
    }
  }
  const middle = (library, name) => median(results.get(library).map((sample) => sample[name]));
  const best = (name) =>
    Math.min(...LIBRARIES.filter(([, , isPeer]) => isPeer).map(([library]) => middle(library, name)));
  const heap = (library, name) => [
    format(middle(library, name) / 1e6),
    (middle(library, name) / best(name)).toFixed(2),
  ];
  const rows = LIBRARIES.map(([library, name]) => [
    name,
    format(middle(library, 'ms')),
    ...heap(library, 'heap'),
    ...heap(library, 'heapRead'),
    format(middle(library, 'textBytes') / 1e6),
  ]);
  const head = [
    '',
    'ms to load',
    'heap, MB',
    '× the best peer’s',
    'all read once, MB',
    '× the best peer’s',
    'JSON, MB',
  ];
  printTable('10,000 flags of three rules each', [head, ...rows]);
}

const ROOT = new URL('../', import.meta.url);
const own = (entry) => pathToFileURL(fileURLToPath(new URL(`../packages/core/dist/${entry}.js`, ROOT))).href;
const peer = (name) => import.meta.resolve(name);

const MODULES = [
  ['bare Node', ''],
  ['Node’s own fetch, loaded', 'globalThis.Headers;'],
  ['@smooai/config', `import ${JSON.stringify(own('index'))};`],
  ['@smooai/config/browser', `import ${JSON.stringify(own('browser'))};`],
  ['@smooai/config/server', `import ${JSON.stringify(own('server'))};`],
  ['GrowthBook', `import ${JSON.stringify(peer('@growthbook/growthbook'))};`],
  ['ConfigCat', `import ${JSON.stringify(peer('@configcat/sdk'))};`],
  ['LaunchDarkly', `import ${JSON.stringify(peer('@launchdarkly/node-server-sdk'))};`],
  ['Unleash', `import ${JSON.stringify(peer('unleash-client'))};`],
];

/** Starts Node with each import, in turns, and compares it with bare Node in the same turn. */
export async function measureImports(rounds) {
  const folder = await mkdtemp(join(tmpdir(), 'imports-'));
  try {
    const files = [];
    for (const [index, [name, text]] of MODULES.entries()) {
      const file = join(folder, `${index}.mjs`);
      await writeFile(file, text);
      files.push({ name, file, samples: [] });
    }
    for (let round = -1; round < rounds; round++) {
      for (const { file, samples } of files) {
        const start = performance.now();
        await run(process.execPath, [file], { timeout: TIMEOUT_MS });
        // The first turn fills the file system's cache.
        if (round >= 0) samples.push(performance.now() - start);
      }
    }
    const [bare] = files;
    const rows = files.map(({ name, samples }) => {
      const above = samples.map((ms, round) => ms - bare.samples[round]);
      return [
        name,
        format(median(samples)),
        format(median(above)),
        format(Math.min(...samples) - Math.min(...bare.samples)),
      ];
    });
    printTable('Importing', [['', 'median ms', 'above bare Node, median', 'above, best of each'], ...rows]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
