import { beforeAll, describe, expect, it } from 'vitest';
import { shareBench } from '../test-support/cli-bench.ts';

const COHORT = {
  $cohort: {
    rules: [
      { id: 'staff', when: { segment: 'staff' }, value: true },
      {
        id: 'nl',
        when: {
          all: [
            { attribute: 'country', op: 'in', values: ['NL'] },
            { attribute: 'email', op: 'exists' },
          ],
        },
        rollout: { variants: [{ value: true, weight: 100 }] },
      },
    ],
    defaultValue: false,
  },
};
const EMAIL = 'zq9@example.test';

const bench = shareBench();

beforeAll(async () => {
  const { cli, file } = bench.current;
  await file('targeting.json', JSON.stringify(COHORT).replace('"segment":"staff"', '"any":[]'));
  expect((await cli(['set', 'newCheckout', '--file', 'targeting.json'])).stderr).toBe('');
});

describe('explain', () => {
  it('prints each rule and condition, but no attribute that no rule uses', async () => {
    const { cli } = bench.current;
    const context = JSON.stringify({ country: 'NL', email: EMAIL, userId: 'u-1' });
    const { code, stdout, stderr } = await cli(['explain', 'flags.newCheckout', '--context', context]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain(EMAIL);
    expect(stdout.replace(/bucket \d+/, 'bucket N')).toBe(
      `flags.newCheckout (development): true
  by the rollout of rule "nl"
✗ rule "staff"
    ✗ any of
✓ rule "nl"
    ✓ all of
      ✓ country in "NL" [string]
      ✓ email exists [string]
    rollout: bucket N of 10000 by userId: variant 1 of 1
`,
    );
  });

  it('prints why no rule matched, and evaluates without attributes by default', async () => {
    const { cli } = bench.current;
    const { stdout } = await cli(['explain', 'newCheckout']);
    expect(stdout).toContain('the default: no rule or rollout returned a value');
    expect(stdout).toContain('✗ country in "NL" [missing]: the attribute is missing');
    const missing = await cli(['explain', 'newCheckout', '--context', '{"country":"NL","email":"a"}']);
    expect(missing.stdout).toContain('the default: rule "nl" matched, but its rollout returned no value');
    expect(missing.stdout).toContain('nothing to bucket by: userId [missing]');
  });

  it('prints the whole trace as JSON', async () => {
    const { cli } = bench.current;
    const { stdout } = await cli(['explain', 'newCheckout', '--context', '{"country":"BE"}', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      key: 'flags.newCheckout',
      environment: 'development',
      evaluation: { value: false, source: 'default' },
      isTargeted: true,
      rules: [
        { index: 0, id: 'staff', outcome: 'not-matched', when: { form: 'any', matched: false, members: [] } },
        { index: 1, id: 'nl', outcome: 'not-matched', when: { form: 'all', matched: false } },
      ],
    });
  });

  it('explains a value for everyone, a default, and a limit, which it clamps', async () => {
    const { cli } = bench.current;
    expect((await cli(['explain', 'theme'])).stdout).toBe(
      "flags.theme (development): light\n  no value is stored: the schema's default\n",
    );
    await cli(['set', 'theme', 'dark']);
    expect((await cli(['explain', 'theme'])).stdout).toContain('dark\n  stored for everyone');
    await cli(['set', 'cartItems', '{"$cohort":{"defaultValue":50}}']);
    expect((await cli(['explain', 'cartItems'])).stdout).toContain('limits.cartItems (development): 50');
  });

  it.each([
    [['explain', 'newCheckout', '--context', 'country=NL'], '--context must be a JSON object'],
    [['explain', 'newCheckout', '--context', '["NL"]'], '--context must be a JSON object'],
    [['explain', 'paymentKey'], 'secrets.paymentKey has one value for everyone'],
    [['explain', 'newChekout'], 'newCheckout'],
    [['explain', 'newCheckout', '--env', 'nowhere'], 'Unknown environment "nowhere"'],
  ])('refuses %j', async (argv, message) => {
    const { cli } = bench.current;
    const { code, stdout, stderr } = await cli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
