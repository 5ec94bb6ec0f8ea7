import { describe, expect, it } from 'vitest';
import { schemaModule, shareBench } from './test-support/cli-bench.ts';

const bench = shareBench();
const OLD = 'sk-old-private-text';
const SECRET = 'sk-very-private-text';

/** Every command that reads or writes a secret, in text and as JSON. */
const commands: [name: string, argv: string[], stdin?: string][] = [
  ['set from standard input', ['set', 'paymentKey', '--stdin'], SECRET],
  ['set the same value again', ['set', 'paymentKey', '--stdin'], SECRET],
  ['set from the command line', ['set', 'paymentKey', SECRET]],
  ['set from a file', ['set', 'paymentKey', '--file', 'key.json']],
  ['set to what the server refuses', ['set', 'paymentKey', '--file', 'list.json']],
  ['get', ['get', 'paymentKey']],
  ['list', ['list']],
  ['diff of environments', ['diff', '--from', 'development', '--to', 'staging']],
  ['pull', ['pull']],
  ['push that would make it invalid', ['push', 'longer.ts', '--name', 'shop', '--yes']],
  ['unset', ['unset', 'paymentKey', '--yes']],
];

describe.each(['text', '--json'])('with %s', (format) => {
  it.each(commands)('a secret is masked: %s', async (_, argv, stdin) => {
    const { cli, file } = bench.current;
    await file('key.json', JSON.stringify(SECRET));
    await file('list.json', JSON.stringify([SECRET]));
    const fields = 'secrets: { paymentKey: z.string().min(50) }, flags: { newCheckout: z.boolean() },';
    await file('longer.ts', schemaModule(fields));
    await cli(['set', 'paymentKey', '--stdin', '-e', 'staging'], { stdin: `${OLD}-staging` });
    await cli(['set', 'paymentKey', '--stdin'], { stdin: argv[0] === 'set' ? OLD : SECRET });
    const options = format === '--json' ? ['--json'] : [];
    const { stdout, stderr } = await cli([...argv, ...options], stdin === undefined ? {} : { stdin });
    expect(stdout + stderr).not.toMatch(/private/);
    expect(stdout + stderr).not.toBe('');
  });
});

describe('set --json of a secret', () => {
  const set = async (argv: string[], stdin: string) =>
    JSON.parse(
      (await bench.current.cli(['set', 'paymentKey', '--stdin', '--json', ...argv], { stdin })).stdout,
    );

  it('masks both values and says so; with --show-secrets it prints them', async () => {
    const { cli } = bench.current;
    await cli(['set', 'paymentKey', '--stdin'], { stdin: OLD });
    const change = { key: 'secrets.paymentKey', environment: 'development', changed: true };
    expect(await set([], SECRET)).toEqual({
      ...change,
      before: '********',
      after: '********',
      masked: true,
    });
    expect(await set(['--show-secrets'], OLD)).toEqual({ ...change, before: SECRET, after: OLD });
  });

  it('says whether there was a value before, and whether it changes', async () => {
    await bench.current.cli(['unset', 'paymentKey', '--yes', '-e', 'production']);
    const inProduction = ['-e', 'production'];
    expect(await set(inProduction, SECRET)).toMatchObject({ before: null, after: '********', changed: true });
    expect(await set(inProduction, SECRET)).toMatchObject({ before: '********', changed: false });
  });
});
