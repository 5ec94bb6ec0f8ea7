import { describe, expect, it } from 'vitest';
import { type CliBench, shareBench } from '../test-support/cli-bench.ts';

const bench = shareBench();

async function versionOf(cli: CliBench['cli'], key: string): Promise<string> {
  return String(JSON.parse((await cli(['get', key, '--json'])).stdout).version);
}

describe('set --if-version', () => {
  it('writes if nothing was written between, and otherwise names who did', async () => {
    const { cli } = bench.current;
    await cli(['set', 'cartItems', '30']);
    const version = await versionOf(cli, 'cartItems');
    expect(version).toMatch(/^[\w-]{16}$/);
    expect((await cli(['set', 'cartItems', '31', '--if-version', version])).code).toBe(0);
    const late = await cli(['set', 'cartItems', '32', '--if-version', version]);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(
      /\(412\): "cartItems" in "development" has changed .* the client "admin" \(.+\) wrote it at 20/,
    );
    expect(late.stderr).toContain('smooai-config get KEY --json');
    expect((await cli(['get', 'cartItems'])).stdout).toBe('31\n');
  });

  it('is also an option of unset', async () => {
    const { cli } = bench.current;
    await cli(['set', 'theme', 'dark']);
    const version = await versionOf(cli, 'theme');
    await cli(['set', 'theme', 'light']);
    expect((await cli(['unset', 'theme', '--if-version', version])).stderr).toContain('(412)');
    expect((await cli(['unset', 'theme', '--if-version', await versionOf(cli, 'theme')])).code).toBe(0);
  });

  it('refuses a text that is not a version, and two conditions at once', async () => {
    const { cli } = bench.current;
    for (const options of [
      ['--if-version', 'no "version"'],
      ['--if-version', 'x', '--if-unset'],
    ]) {
      const { code, stderr } = await cli(['set', 'cartItems', '1', ...options]);
      expect(code, stderr).toBe(2);
    }
  });

  it('refuses a server that would ignore it', async () => {
    const { cli } = bench.current;
    // A server with the published contract only has no rulesets.
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(input instanceof Request ? input.url : input).includes('/ruleset')
        ? Response.json({ message: 'The endpoint does not exist.' }, { status: 404 })
        : globalThis.fetch(input, init);
    const { code, stderr } = await cli(['set', 'retries', '4', '--if-unset'], { fetch });
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not support conditional writes')]);
  });
});

it('set --if-unset writes only the first value', async () => {
  const { cli } = bench.current;
  expect((await cli(['set', 'label', 'one', '--if-unset', '-e', 'staging'])).code).toBe(0);
  const second = await cli(['set', 'label', 'two', '--if-unset', '-e', 'staging']);
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('has a value already')]);
});
