// The time of the processor that a process takes to import the package, and to send a first token request, which loads
// ofetch. Whole processes, in turns. Unlike the time on the clock, it does not include other work of the machine.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    // A build to compare with, such as that of another commit.
    before: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

const run = promisify(execFile);
const issuer = fork(resolve(import.meta.dirname, 'issuer.mjs'));
const [{ url }] = await once(issuer, 'message');
const builds = { now: resolve(import.meta.dirname, '../../packages/core/dist') };
if (options.before !== undefined) builds.before = resolve(options.before);

process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
try {
  await measure('importing', 'bare Node', { 'bare Node': '', ...scriptsOf(importOf) });
  const floor = `await (await fetch(${JSON.stringify(`${url}/token`)}, { method: 'POST' })).json();`;
  await measure('importing, and a first request', 'fetch by hand', {
    'fetch by hand': floor,
    ...scriptsOf(requestOf, ['server.js', 'server.cjs']),
  });
} finally {
  issuer.kill();
}

function scriptsOf(write, files = ['index.js', 'server.js', 'browser.js', 'server.cjs']) {
  return Object.fromEntries(
    files.flatMap((file) =>
      Object.entries(builds).map(([build, folder]) => [`${file}, ${build}`, write(resolve(folder, file))]),
    ),
  );
}

function importOf(file) {
  if (!file.endsWith('.cjs'))
    return `const core = await import(${JSON.stringify(pathToFileURL(file).href)});`;
  return `const core = (await import('node:module')).createRequire(import.meta.url)(${JSON.stringify(file)});`;
}

function requestOf(file) {
  const settings = JSON.stringify({ authUrl: url, clientId: 'a-client', clientSecret: 'a-secret-of-it' });
  return `${importOf(file)} await new core.TokenProvider(${settings}).getAccessToken();`;
}

async function measure(title, floor, scripts) {
  const samples = new Map(Object.keys(scripts).map((name) => [name, []]));
  const report =
    'const used = process.cpuUsage(); process.stdout.write(String((used.user + used.system) / 1000));';
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, script] of Object.entries(scripts)) {
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', `${script}\n${report}`]);
      // The first turn fills the file system's cache.
      if (round >= 0) samples.get(name).push(Number(stdout));
    }
  }
  const floors = samples.get(floor);
  const rows = [...samples].map(([name, times]) => {
    // Compared within each turn, so that a slow turn does not count.
    const ratio = median(times.map((ms, round) => ms / floors[round]));
    const best = Math.min(...times) / Math.min(...floors);
    return [name, median(times).toFixed(1), ratio.toFixed(2), best.toFixed(2)];
  });
  const lines = [
    [title, 'ms of CPU, median', `× ${floor}`, '×, best of each'],
    ['---', '---:', '---:', '---:'],
    ...rows,
  ];
  process.stdout.write(`\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}

function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}
