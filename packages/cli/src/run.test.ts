import { describe, expect, it } from 'vitest';
import { runCli, shareBench } from './test-support/cli-bench.ts';

describe('the command line', () => {
  it.each([
    [[], 2, /Usage: smooai-config/],
    [['--help'], 0, /Examples:\n {2}\$ smooai-config push/],
    [['set', '--help'], 0, /--stdin.*\n.*\n[\s\S]*Global Options:[\s\S]*--credentials/],
    [['help', 'push'], 0, /--dry-run/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['sett'], 2, /unknown command 'sett'[\s\S]*Did you mean set\?/],
    [['get'], 2, /missing required argument 'key'/],
    [['get', 'theme', '--jsno'], 2, /unknown option '--jsno'/],
    [['get', 'a', 'b'], 2, /too many arguments/],
    [['get', 'theme', '--client-secret', 'x'], 2, /unknown option '--client-secret'/],
  ] as const)('%j exits with code %i', async (argv, code, words) => {
    const result = await runCli(argv);
    expect(result.code).toBe(code);
    expect(code === 0 ? result.stdout : result.stderr).toMatch(words);
  });
});

describe('with --json', () => {
  it.each([
    [['--json'], /No command given/],
    [['sett', '--json'], /unknown command 'sett'/],
    [['get', '--json'], /missing required argument 'key'/],
    [['--json', 'get', 'theme', '--nope'], /unknown option '--nope'/],
  ] as const)('%j prints its error as JSON', async (argv, words) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'ERR_USAGE', message: expect.stringMatching(words) },
    });
  });

  it('prints help as text, and treats "--json" after "--" as a value', async () => {
    expect(await runCli(['get', '--help', '--json'])).toMatchObject({ code: 0, stderr: '' });
    expect((await runCli(['get', 'a', 'b', '--', '--json'])).stderr).toMatch(/^error: too many arguments/);
  });
});

describe('with a server that only has the published contract', () => {
  const bench = shareBench();

  it('gets and sets values', async () => {
    const { cli } = bench.current;
    await cli(['set', 'cartItems', '7']);
    const fetch: typeof globalThis.fetch = (input, init) =>
      (input instanceof Request ? input.url : String(input)).includes('/ruleset')
        ? Promise.resolve(new Response('{}', { status: 404 }))
        : globalThis.fetch(input, init);
    expect((await cli(['get', 'cartItems'], { fetch })).stdout).toBe('7\n');
    expect((await cli(['set', 'theme', 'dark'], { fetch })).stdout).toContain('→ dark');
  });
});
