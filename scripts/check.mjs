// `pnpm check`: everything that CI checks, in CI's order. Takes the options of scripts/test.mjs.
import { install, pnpm, requireNode, run, step } from './workspace.mjs';

requireNode();
await install();
const checks = [
  ['Lint', 'lint'],
  ['Language', 'check:language'],
  ['Types', 'typecheck'],
  ['Snippets', 'check:snippets'],
  ['Unused code and dependencies', 'knip'],
  ['Build', 'build:apps'],
  ['Packages as published (publint, attw)', 'lint:packages'],
  ['Sizes', 'size'],
];
const failed = [];
for (const [name, script] of checks) {
  step(name);
  if ((await pnpm(['run', script])) !== 0) failed.push(name);
}
const tests = ['scripts/test.mjs', '--long', '--outside', ...process.argv.slice(2)];
// The tests' script names the failed checks too, so that all failures stand just before the totals.
const testCode = await run(process.execPath, tests, { env: { FAILED_CHECKS: failed.join('; ') } });
process.exitCode = failed.length > 0 ? 1 : testCode;
