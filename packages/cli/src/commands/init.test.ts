import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startBench } from '../test-support/cli-bench.ts';

describe('init', () => {
  it('writes a schema file and prints the next steps', async () => {
    const { bare, folder } = await startBench();
    const { code, stdout, stderr } = await bare(['init']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Created src\/config\.ts\.\nNext steps:\n/);
    expect(stdout).toContain('npx smooai-config push src/config.ts');
    expect(await readFile(join(folder, 'src/config.ts'), 'utf8')).toContain(
      'export const config = defineConfig({',
    );
    const { stdout: json } = await bare(['init', 'other.ts', '--json']);
    expect(JSON.parse(json)).toEqual({
      file: 'other.ts',
      nextSteps: expect.arrayContaining(['npx smooai-config push other.ts']),
    });
  });

  it('writes a schema that can be pushed', async () => {
    const { cli, folder, file } = await startBench();
    await cli(['init', 'made.ts']);
    const made = await readFile(join(folder, 'made.ts'), 'utf8');
    // The folder of the test has no node_modules.
    const tools = 'const { defineConfig, defineLimit, z } = (globalThis as any).schemaTools;';
    await file('config.ts', made.replace(/^import .*\nimport .*\n/, `${tools}\n`));
    const pushed = await cli(['push', 'config.ts', '--name', 'shop', '--portable']);
    expect(pushed).toMatchObject({ code: 0, stderr: '' });
    expect(pushed.stdout).toContain('+ limits.cartItems');
  });

  it('never overwrites a file', async () => {
    const { bare, file } = await startBench();
    const path = await file('config.ts', 'mine');
    const { code, stderr } = await bare(['init', 'config.ts']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('config.ts exists already, and was not changed'),
    ]);
    expect(await readFile(path, 'utf8')).toBe('mine');
    expect((await bare(['init', 'config.json'])).stderr).toContain('does not end with .ts');
    expect((await bare(['init', 'config.ts/x.ts'])).code).toBe(2);
  });
});
