import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stryker } from '@stryker-mutator/core';
import { resultsFile } from './results.mjs';
import { rooms } from './rooms.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs Stryker on a room. Its results are added to the ones of earlier runs. */
export async function mutateRoom(name, { file, force, concurrency, ignoreStatic }) {
  const room = rooms[name];
  // Stryker copies the working directory, and its test runners inherit the environment.
  process.chdir(join(here, '../packages', room.package));
  process.env.MUTATION_TESTS = JSON.stringify(room.tests);
  process.env.MUTATION_POOL = room.pool ?? 'threads';
  const mutate = room.mutate.flatMap(sourceFiles).filter((path) => path.includes(file));
  const stryker = new Stryker({
    mutate,
    force,
    concurrency,
    ignoreStatic,
    testRunner: 'vitest',
    vitest: { configFile: join(here, 'vitest.config.mjs') },
    plugins: [
      fileURLToPath(import.meta.resolve('@stryker-mutator/vitest-runner')),
      `${here}ignore-messages.mjs`,
    ],
    ignorers: ['messages'],
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile: resultsFile(name),
    // The copy has no tsconfig.json: its relative `extends` would not be found, and Vite takes the package's own.
    ignorePatterns: ['tsconfig.json', 'dist', 'test-results'],
    // On a busy machine a slow run must not pass for an endless loop.
    timeoutMS: 60_000,
    dryRunTimeoutMinutes: 30,
    reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only', 'html'],
    htmlReporter: { fileName: join(here, `.results/${name}.html`) },
    logLevel: 'warn',
    warnings: { slow: false },
  });
  await stryker.runMutationTest();
}

/** The source files in a folder, or the file itself; no tests. */
function sourceFiles(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(file))
    .map((file) => join(path, file).replaceAll('\\', '/'));
}
