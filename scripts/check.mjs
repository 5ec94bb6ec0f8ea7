// `pnpm check`: all that CI checks, in CI's order. `--require-browser` as for the tests.
import { install, pnpm, requireNode, run, step } from './workspace.mjs';

requireNode();
await install();
const checks = [
  ['Lint', ['run', 'lint']],
  ['Types', ['run', 'typecheck']],
  ['Unused code and dependencies', ['run', 'knip']],
  ['Build', ['run', 'build:apps']],
  ['Packages as published (publint, attw)', ['run', 'lint:packages']],
  ['Sizes', ['run', 'size']],
];
const failed = [];
for (const [name, args] of checks) {
  step(name);
  if ((await pnpm(args)) !== 0) failed.push(name);
}
// Said before the tests, so that their totals stay the closing line.
if (failed.length > 0) process.stdout.write(`\nFailed checks: ${failed.join('; ')}.\n`);
const testCode = await run(process.execPath, ['scripts/test.mjs', ...process.argv.slice(2)]);
process.exitCode = failed.length > 0 ? 1 : testCode;
