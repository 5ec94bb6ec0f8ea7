// `npm run test:stalled -- packages/core [arguments of vitest]`: runs a suite on a machine that keeps standing still.
//   --stall-ms 3000   how long it stands still each time
//   --every-ms 4000   how long it runs in between, on average
// A busy CI machine stops any process for seconds, between any two lines: time limits run out and caches grow old although
// nothing was done. Here all processes of the run are stopped together, or one alone, as when the others have the cores.
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quietEnvironment, root } from './workspace.mjs';

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || process.platform === 'win32') {
  process.stderr.write(
    'Usage, not on Windows: npm run test:stalled -- <folder of a package> [--stall-ms 3000] [--every-ms 4000] [arguments of vitest]\n',
  );
  process.exit(1);
}
const stallMs = numberOption('--stall-ms', 3_000);
const everyMs = numberOption('--every-ms', 4_000);

const cwd = resolve(root, folder);
const vitest = join(
  dirname(createRequire(join(cwd, 'package.json')).resolve('vitest/package.json')),
  'vitest.mjs',
);
const run = spawn(process.execPath, [vitest, 'run', ...rest], {
  cwd,
  stdio: 'inherit',
  env: { ...process.env, ...quietEnvironment },
});
const ended = new Promise((done) => run.on('close', (code) => done(code ?? 1)));
let isOver = false;
void ended.then(() => {
  isOver = true;
});

process.on('exit', resume);
// The run gets the signal of a terminal too, and ends by itself.
process.on('SIGINT', resume);
process.on('SIGTERM', () => {
  resume();
  run.kill('SIGTERM');
});

let stalls = 0;
/** Those that a test has stopped. */
let stoppedBefore = new Set();
while (!isOver) {
  await Promise.race([ended, delay(Math.random() * 2 * everyMs)]);
  if (isOver) break;
  const processes = processesOfRun();
  stoppedBefore = new Set(processes.filter(({ isStopped }) => isStopped).map(({ pid }) => pid));
  const one = processes[Math.floor(Math.random() * processes.length)];
  signal('SIGSTOP', stalls % 2 === 0 ? processes : [one]);
  await delay(stallMs);
  resume();
  stalls += 1;
}
process.stdout.write(`The run stood still ${stalls} times, for ${stallMs} ms each.\n`);
process.exitCode = await ended;

/** Takes an option of this script, and its value, out of the arguments. */
function numberOption(name, fallback) {
  const index = rest.indexOf(name);
  return index < 0 ? fallback : Number(rest.splice(index, 2)[1]);
}

/** The run's process and all its descendants, also those in other process groups. */
function processesOfRun() {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  const all = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({
      pid: Number(pid),
      parent: Number(parent),
      isStopped: /^T/.test(state),
    }));
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isOfRun = (pid) => pid === run.pid || (parents.has(pid) && isOfRun(parents.get(pid)));
  return all.filter(({ pid }) => isOfRun(pid));
}

/** All of them, children first: a process such as runuser stops itself when its child has stopped. */
function resume() {
  signal(
    'SIGCONT',
    processesOfRun()
      .filter(({ pid }) => !stoppedBefore.has(pid))
      .reverse(),
  );
}

function signal(name, processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}
