import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the keys of the schema are those of the SDK, through its own augmentation', async () => {
  const project = fileURLToPath(new URL('testdata/typed-keys', import.meta.url));
  const tsc = fileURLToPath(new URL('../node_modules/.bin/tsc', import.meta.url));
  const errors = await new Promise<string>((resolve) => {
    execFile(tsc, ['--noEmit', '--project', project], (_, stdout, stderr) => resolve(stdout + stderr));
  });
  expect(errors).toBe('');
});
