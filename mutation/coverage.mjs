// `npm run coverage`: the branches of each package that its unit tests take, as V8 counts them. A report without a threshold.
//   --package core   only this package; may be given several times
// The details are in packages/<name>/coverage/index.html.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pnpm, requireNode } from '../scripts/workspace.mjs';
import { installPackages } from './install.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const packages = ['core', 'server', 'cli', 'react', 'next', 'nestjs'];

requireNode();
const { values: options } = parseArgs({
  options: { package: { type: 'string', multiple: true, default: packages } },
});
const unknown = options.package.find((name) => !packages.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`"${unknown}" is not a package. The packages are ${packages.join(', ')}.\n`);
  process.exit(2);
}
installPackages('@vitest/coverage-v8');
// The unit tests of some packages use the builds of others.
const buildCode = await pnpm([
  'exec',
  'turbo',
  'run',
  'build',
  '--filter=./packages/*',
  '--output-logs=errors-only',
]);
if (buildCode !== 0) process.exit(buildCode);
const failed = options.package.filter((name) => measure(name) !== 0);
const lines = options.package.map((name) => tableLine(name));
process.stdout.write(
  `\n${['| package | branches | taken | % |', '| --- | ---: | ---: | ---: |', ...lines].join('\n')}\n`,
);
if (failed.length > 0)
  process.stderr.write(`The tests of ${failed.join(', ')} failed, so the numbers are incomplete.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

function measure(name) {
  const settings = {
    enabled: true,
    provider: 'custom',
    customProviderModule: join(here, 'coverage-provider.mjs'),
    include: 'src/**/*.{ts,tsx}',
    exclude: ['**/*.test.{ts,tsx}', '**/*.test-d.{ts,tsx}', 'src/test-support/**'],
    reporter: ['json-summary', 'html'],
    reportOnFailure: true,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) =>
    [value].flat().map((entry) => `--coverage.${key}=${entry}`),
  );
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--no-typecheck', '--reporter=dot', ...flags];
  return spawnSync(process.execPath, args, { cwd: folderOf(name), stdio: 'inherit' }).status ?? 1;
}

function tableLine(name) {
  const text = readFileSync(join(folderOf(name), 'coverage/coverage-summary.json'), 'utf8');
  const { total, covered, pct } = JSON.parse(text).total.branches;
  return `| ${name} | ${total} | ${covered} | ${pct.toFixed(1)} |`;
}

function folderOf(name) {
  return join(here, '../packages', name);
}
