import { beforeAll, describe, expect, it } from 'vitest';
import { type CliBench, SHOP, schemaModule, shareBench, startBench } from '../test-support/cli-bench.ts';

const schemas = {
  'removes a key with a value': SHOP.replace(/, theme: [^\n]*\.default\('light'\)/, ''),
  'moves a key with a value to another tier': SHOP.replace(/, theme: [^\n]*\.default\('light'\)/, '').replace(
    'public: {',
    "public: { theme: z.string().default('light'),",
  ),
  'rejects a stored value': SHOP.replace("['light', 'dark']", "['light', 'blue']"),
};

/** Stores a value, and writes the new schema. */
async function prepare({ cli, file }: CliBench, body: string): Promise<void> {
  await cli(['set', 'theme', 'dark']);
  await file('config.ts', schemaModule(body));
}

describe.each(Object.entries(schemas))('a push that %s', (_, body) => {
  const shared = shareBench();
  const push = ['push', 'config.ts', '--name', 'shop'];

  beforeAll(() => prepare(shared.current, body));

  const expectNothingPushed = async (): Promise<void> => {
    expect((await shared.current.cli(['get', 'flags.theme'])).stdout).toBe('dark\n');
    const { stdout } = await shared.current.cli([...push, '--dry-run', '--force', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, pushed: false });
  };

  it.each([[[]], [['--yes']], [['--dry-run']]])('is refused without --force: %j', async (flags) => {
    const { code, stderr } = await shared.current.cli([...push, ...flags]);
    expect(code).toBe(1);
    expect(stderr).toContain('flags.theme (development');
    expect(stderr).toContain('Nothing was pushed');
    await expectNothingPushed();
  });

  it('with --force still needs --yes without a terminal', async () => {
    const { code, stderr } = await shared.current.cli([...push, '--force']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/removes (flags\.theme|stored values)\. .*--yes/);
    await expectNothingPushed();
  });

  it.each(['', '\n', 'n\n', 'no\n', 'yep\n'])(
    'with --force asks on a terminal; %j pushes nothing',
    async (stdin) => {
      const { code, stderr } = await shared.current.cli([...push, '--force'], { isTTY: true, stdin });
      expect(code).toBe(1);
      expect(stderr).toContain('Push and remove what is listed? [y/N]');
      await expectNothingPushed();
    },
  );

  it.each([
    ['--yes', { argv: ['--yes'] }],
    ['an answer', { argv: [], isTTY: true, stdin: 'y\n' }],
  ])('is pushed with --force and %s', async (_name, { argv, ...options }) => {
    const bench = await startBench();
    await bench.pushed();
    await prepare(bench, body);
    const { code, stdout } = await bench.cli([...push, '--force', '--json', ...argv], options);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 2, pushed: true });
  });
});

describe('a push with other bounds of a limit', () => {
  const shared = shareBench();

  it.each([
    ['max: 100', 'max: 50', 'is above the maximum 50'],
    ['min: 1', 'min: 70', 'is below the minimum 70'],
  ])('is refused if a stored value is outside: %s → %s', async (old, bounds, reason) => {
    const { cli, file } = shared.current;
    await cli(['set', 'cartItems', '60', '-e', 'production']);
    const fallback = bounds.replace(/\D+/, 'default: ');
    await file('config.ts', schemaModule(SHOP.replace(old, bounds).replace('default: 20', fallback)));
    const { code, stderr } = await cli(['push', 'config.ts', '--name', 'shop', '--dry-run']);
    expect(code).toBe(1);
    expect(stderr).toContain(`limits.cartItems (production): ${reason}`);
  });
});
