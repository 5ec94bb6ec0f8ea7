/* Whether a change costs what changed: npm run cost [-- --rounds 7] [-- --before ../../an-older-checkout]. */
import { execFile } from 'node:child_process';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { format, median, printTable } from './table.mjs';

const run = promisify(execFile);
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, before: { type: 'string' } },
});
const roots = [['now', fileURLToPath(new URL('../../', import.meta.url))]];
if (options.before !== undefined) roots.unshift(['before', resolve(options.before)]);

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const child = async (script, ...args) => {
  const { stdout } = await run(process.execPath, ['--expose-gc', path(script), ...args], {
    timeout: 120_000,
  });
  return JSON.parse(stdout);
};

/** Processes of their own, in turns, so that drift of the machine affects all alike. */
const samples = new Map();
const add = (name, value) => samples.set(name, [...(samples.get(name) ?? []), value]);
for (let round = 0; round < Number(options.rounds); round++) {
  add('growthbook', await child('load-child.mjs', 'growthbook'));
  for (const [name, root] of roots) {
    for (const task of ['load', 'own', 'patch100', 'patch10000', 'disk']) {
      add(`${String(name)} ${String(task)}`, await child('cost-child.mjs', task, root));
    }
  }
}

const middle = (name, of) => median(samples.get(name).map(of));
const peer = {
  heap: middle('growthbook', ({ heap }) => heap),
  heapRead: middle('growthbook', (s) => s.heapRead),
};
const rows = [
  ['load ÷ `JSON.parse` of the text', 'load', (s) => s.load / s.parse],
  ['the same, no two flags alike', 'own', (s) => s.load / s.parse],
  ['start from the disk copy ÷ `JSON.parse` of the ruleset', 'disk', (s) => s.start / s.parse],
  ['heap after loading, MB', 'load', (s) => s.heap / 1e6],
  ['heap after loading ÷ GrowthBook’s', 'load', (s) => s.heap / peer.heap],
  ['heap after every flag was read, MB', 'load', (s) => s.heapRead / 1e6],
  ['heap after every flag was read ÷ GrowthBook’s', 'load', (s) => s.heapRead / peer.heapRead],
  ['heap after every flag was read, no two flags alike, MB', 'own', (s) => s.heapRead / 1e6],
  ['patch of one key among 100, µs', 'patch100', (s) => s.us],
  ['patch of one key among 10,000, µs', 'patch10000', (s) => s.us],
];
printTable('10,000 flags of three rules each', [
  ['', ...roots.map(([name]) => name)],
  ...rows.map(([title, task, of]) => [
    title,
    ...roots.map(([name]) => format(middle(`${String(name)} ${String(task)}`, of))),
  ]),
]);
process.stdout.write(`\nload ${loadavg()[0].toFixed(1)}, ${options.rounds} rounds, medians\n`);
