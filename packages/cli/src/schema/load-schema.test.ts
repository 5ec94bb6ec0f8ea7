import { describe, expect, it } from 'vitest';
import { schemaModule, shareBench } from '../test-support/cli-bench.ts';

const bench = shareBench({ schema: false });

describe('a schema file', () => {
  const cases: [string, string | undefined, RegExp][] = [
    ['is missing', undefined, /missing\.ts cannot be read: file or folder not found/],
    [
      'does not compile',
      'export const a = 1;\nexport const b = {{{',
      /bad\.ts could not be loaded: .*, line 2, column \d+\n/,
    ],
    [
      'imports a module that is not there',
      'import "not-installed"; export const a = 1;',
      /could not be loaded: Cannot find module 'not-installed'\. Install it, or correct the import\.\n/,
    ],
    ['throws', 'throw new Error("boom at start")', /could not be loaded: boom at start/],
    ['exports nothing', 'export const answer = 42;', /does not export a schema/],
    [
      'has a bad key',
      schemaModule('flags: { constructor: z.boolean() },'),
      /could not be loaded: .*constructor/,
    ],
  ];
  it.each(cases)('that %s is reported without a stack, with code 2', async (_name, content, words) => {
    const { cli, file } = bench.current;
    if (content !== undefined) await file('bad.ts', content);
    const { code, stderr } = await cli(['push', content === undefined ? 'missing.ts' : 'bad.ts']);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  it('that is a JSON document is not run, and the command for documents is named', async () => {
    const { cli, file } = bench.current;
    await file('schema.json', '{"type":"object","properties":{}}');
    for (const command of ['push', 'diff']) {
      expect(await cli([command, 'schema.json'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('smooai-config schema add NAME --file schema.json'),
      });
    }
  });

  it('is run, as the help says', async () => {
    for (const command of ['push', 'diff']) {
      const { stdout } = await bench.current.bare([command, '--help']);
      expect(stdout.replace(/\s+/g, ' ')).toMatch(/is run|run a schema file/);
    }
  });

  it('can export its only schema under any name, and must name one "config" if it exports several', async () => {
    const { cli, file } = bench.current;
    await file('one.ts', schemaModule('flags: { a: z.boolean() },', 'settings'));
    expect((await cli(['push', 'one.ts', '--name', 'one', '--dry-run'])).code).toBe(0);
    await file('two.ts', `export * from './one.ts';\n${schemaModule('flags: { b: z.boolean() },', 'more')}`);
    const { code, stderr } = await cli(['push', 'two.ts', '--dry-run']);
    expect(code).toBe(2);
    expect(stderr).toContain('several schemas (');
  });
});
