// What the scan for secrets adds to the build of the storefront, and its memory against the size of the output.
// Usage: node scan/run.mjs [--rounds 5]
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { sampleOf, writeOutput } from './output.mjs';
import { copyStorefront, timeBuild } from './storefront.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
const schema = resolve(import.meta.dirname, 'schema.mjs');
const temporary = await mkdtemp(join(tmpdir(), 'scan-benchmark-'));
const without = await copyStorefront({ isScanned: false });
const scanned = await copyStorefront({ isScanned: true });

try {
  await compareBuilds();
  await compareSizes();
} finally {
  await without.remove();
  await scanned.remove();
  await rm(temporary, { recursive: true, force: true });
}

/** In turns, so that the load of the machine is the same for both. */
async function compareBuilds() {
  const builds = { without: [], scanned: [] };
  for (let round = 0; round < rounds; round += 1) {
    builds.without.push(await timeBuild(without));
    builds.scanned.push(await timeBuild(scanned));
  }
  if (!builds.scanned.every(({ isScanned }) => isScanned)) throw new Error('A build was not scanned.');
  const scan = await scanOf(without.output);
  const [wall, cpu] = ['wall', 'cpu'].map((kind) => ({
    without: median(builds.without.map((build) => build[kind])),
    ratio: median(builds.scanned.map((build, round) => build[kind] / builds.without[round][kind])),
  }));
  print(['build of the storefront', 's', '×'], '| --- | ---: | ---: |');
  print(['wall time, without the scan', wall.without.toFixed(1), '1.00']);
  print(['wall time, with it', '', wall.ratio.toFixed(2)]);
  print(['processor time, without the scan', cpu.without.toFixed(1), '1.00']);
  print(['processor time, with it', '', cpu.ratio.toFixed(2)]);
  const size = `${scan.files} files, ${(scan.bytes / 1e6).toFixed(1)} MB`;
  const share = (1 + scan.cpuMs / 1000 / cpu.without).toFixed(2);
  print([`processor time of the scan alone (${size})`, (scan.cpuMs / 1000).toFixed(2), share]);
}

async function compareSizes() {
  const sample = await sampleOf(without.output);
  const sizes = [
    { files: 10, megabytes: 1 },
    { files: 100, megabytes: 1 },
    { files: 1000, megabytes: 1 },
    { files: 1, megabytes: 1000 },
  ];
  process.stdout.write('\n');
  print(
    ['output', 'memory, MB', '× of 10 MB', 'processor time per MB, ms', '×'],
    '| --- | ---: | ---: | ---: | ---: |',
  );
  let first;
  for (const { files, megabytes } of sizes) {
    const folder = join(temporary, `${files}x${megabytes}`);
    await writeOutput(folder, sample, { files, megabytes });
    const { rssMB, bytes, cpuMs } = await scanOf(folder);
    await rm(folder, { recursive: true });
    const each = cpuMs / (bytes / 1e6);
    first ??= { rssMB, each };
    const name = `${files} × ${megabytes} MB`;
    const ratios = [(rssMB / first.rssMB).toFixed(2), (each / first.each).toFixed(2)];
    print([name, rssMB.toFixed(0), ratios[0], each.toFixed(1), ratios[1]]);
  }
}

/** A scan in a process of its own; its processor time without that of loading the modules. */
async function scanOf(folder) {
  const child = async (...args) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(import.meta.dirname, 'child.mjs'),
      schema,
      ...args,
    ]);
    return JSON.parse(stdout);
  };
  const floor = await child();
  const scan = await child(folder);
  return { ...scan, cpuMs: scan.cpuMs - floor.cpuMs };
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

function print(cells, rule) {
  process.stdout.write(`| ${cells.join(' | ')} |\n${rule === undefined ? '' : `${rule}\n`}`);
}
