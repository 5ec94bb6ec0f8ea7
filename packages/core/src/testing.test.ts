import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from './schema/define-config.ts';
import { defineLimit } from './schema/limit.ts';
import { createTestClient } from './testing.ts';

const config = defineConfig({
  public: {
    title: z.string().default('Shop'),
    since: z.date().optional(),
    tags: z.set(z.string()).optional(),
  },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
});
const databaseUrl = 'https://db.example';
const inCountry = (country: string) => ({ attribute: 'country', op: 'in' as const, values: [country] });
const ofStaff = {
  $cohort: { defaultValue: false, rules: [{ id: 'staff', when: { segment: 'staff' }, value: true }] },
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a test client', () => {
  it('accepts values that are not JSON, and notices each change of them', () => {
    const client = createTestClient({ config, secrets: { databaseUrl }, public: { since: new Date(0) } });
    const listener = vi.fn();
    client.subscribe(listener);
    client.set({ public: { since: new Date(1) } });
    client.set({ public: { tags: new Set(['a']) } });
    client.set({ public: { tags: new Set(['b']) } });
    expect(client.public('since')).toEqual(new Date(1));
    expect(client.public('tags')).toEqual(new Set(['b']));
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('stacks overrides, whichever ends first, and sets values beneath them', () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const outer = client.override({ limits: { cartItems: 50 }, flags: { theme: 'dark' } });
    const inner = client.override({ limits: { cartItems: 73 } });
    client.set({ limits: { cartItems: 10 } });
    expect([client.limit('cartItems'), client.flag('theme')]).toEqual([75, 'dark']);
    outer[Symbol.dispose]();
    outer[Symbol.dispose]();
    expect([client.limit('cartItems'), client.flag('theme')]).toEqual([75, 'light']);
    inner[Symbol.dispose]();
    expect(client.limit('cartItems')).toBe(10);
  });

  it('overrides segments', () => {
    const client = createTestClient({
      config,
      secrets: { databaseUrl },
      flags: { newCheckout: ofStaff },
      segments: { staff: inCountry('NL') },
    });
    const evaluateBoth = () => ['NL', 'DE'].map((country) => client.flag('newCheckout', { country }));
    {
      using _ = client.override({ segments: { staff: inCountry('DE') } });
      expect(evaluateBoth()).toEqual([false, true]);
    }
    expect([evaluateBoth(), client.health().invalidKeys]).toEqual([[true, false], []]);
  });

  it('overrides while asynchronous scopes overlap, fail, or return a promise of another realm', async () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const theme = () => client.flag('theme');
    const gates: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => gates.push(resolve));
    const first = client.override({ flags: { theme: 'dark' } }, () => gate());
    const second = client.override({ flags: { theme: 'dark' } }, async () => {
      await gate();
      throw new Error('scope');
    });
    gates[0]?.();
    await first;
    expect(theme()).toBe('dark');
    gates[1]?.();
    await expect(second).rejects.toThrow('scope');
    expect(theme()).toBe('light');
    const ofAnotherRealm = runInNewContext('(read) => Promise.resolve().then(read)');
    expect(await client.override({ flags: { theme: 'dark' } }, () => ofAnotherRealm(theme))).toBe('dark');
    expect(theme()).toBe('light');
  });

  it('may be changed by a listener while a change is reported', () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const seen: string[] = [];
    client.subscribe(({ keys }) => {
      if (keys.includes('theme')) client.set({ flags: { newCheckout: client.flag('theme') === 'dark' } });
    });
    client.subscribe(({ keys }) => seen.push(`${keys.join()} ${client.flag('newCheckout')}`));
    client.override({ flags: { theme: 'dark' } }, () => expect(client.flag('newCheckout')).toBe(true));
    expect(client.flag('newCheckout')).toBe(false);
    expect(seen).toEqual(['theme true', 'newCheckout true', 'theme false', 'newCheckout false']);
  });

  it('overrides values until the end of a block, in any order', () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const changes: string[][] = [];
    client.subscribe(({ keys }) => changes.push([...keys]));
    {
      using _ = client.override({ flags: { newCheckout: true } });
      expect(client.flag('newCheckout')).toBe(true);
    }
    expect(client.flag('newCheckout')).toBe(false);
    expect(changes).toEqual([['newCheckout'], ['newCheckout']]);
    const one = client.override({ public: { title: 'One' } });
    const two = client.override({ public: { title: 'Two' } });
    client.set({ public: { title: 'Stored' } });
    one[Symbol.dispose]();
    expect(client.public('title')).toBe('Two');
    two[Symbol.dispose]();
    two[Symbol.dispose]();
    expect(client.public('title')).toBe('Stored');
  });

  it('overrides values while a function runs, synchronous or not, even if it fails', async () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const read = (): boolean => client.flag('newCheckout');
    const on = { flags: { newCheckout: true } };
    expect(client.override(on, read)).toBe(true);
    const later = client.override(on, async () => {
      await Promise.resolve();
      return read();
    });
    expect(await later).toBe(true);
    expect(() =>
      client.override(on, () => {
        throw new Error('failed');
      }),
    ).toThrow('failed');
    await expect(client.override(on, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
    expect(read()).toBe(false);
  });

  it('reads no environment variables', () => {
    vi.stubEnv('TITLE', 'from the machine');
    expect(createTestClient({ config, secrets: { databaseUrl } }).public('title')).toBe('Shop');
  });
});

describe('a test client refuses', () => {
  const strict = defineConfig({
    public: { opensAt: z.iso.datetime().transform((text) => new Date(text)), title: z.string() },
    secrets: { pin: z.string().min(4) },
    flags: { theme: z.enum(['light', 'dark']).default('light') },
    limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
  });
  const valid = { public: { opensAt: '2026-01-01T00:00:00Z', title: 'Shop' }, secrets: { pin: '1234' } };
  const messageOf = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_VALUES_INVALID' });
      return String(error);
    }
    return 'accepted';
  };

  it.each<[string, object, RegExp]>([
    ['a wrong value', { flags: { theme: 'pink' } }, /flags\.theme is invalid: .*"light"\|"dark"/],
    [
      'a wrong secret, without the value',
      { secrets: { pin: '77' } },
      /secrets\.pin is invalid: does not match/,
    ],
    [
      'a wrong value for some contexts',
      {
        flags: { theme: { $cohort: { defaultValue: 'light', rules: [{ id: 'nl', when: {}, value: 'x' }] } } },
      },
      /flags\.theme is invalid: rules\[0\]\.value of rule "nl"/,
    ],
    [
      'a limit that is not a number',
      { limits: { cartItems: '5' } },
      /limits\.cartItems is invalid: it must be a/,
    ],
    ['an unknown key', { flags: { them: 'dark' } }, /flags\.them is not in the schema/],
    [
      'a key of another tier',
      { flags: { title: 'x' } },
      /flags\.title is not in the schema: "title" is not a flag/,
    ],
    [
      'what a validator makes of a stored value',
      { public: { opensAt: new Date(0) } },
      /public\.opensAt is invalid: .*Pass the value as it is stored, before the validator transforms it/,
    ],
  ])('%s', (_, values, message) => {
    const given = values as Partial<typeof valid>;
    const made = messageOf(() => createTestClient({ config: strict, ...valid, ...given }));
    expect(made).toMatch(message);
    expect(made).not.toMatch(/77/);
    const client = createTestClient({ config: strict, ...valid });
    const listener = vi.fn();
    client.subscribe(listener);
    expect(messageOf(() => client.set(given))).toBe(made);
    expect(messageOf(() => client.override(given))).toBe(made);
    expect(messageOf(() => client.override(given, () => 'ran'))).toBe(made);
    expect(listener).not.toHaveBeenCalled();
    expect([client.public('opensAt'), client.flag('theme')]).toEqual([new Date('2026-01-01'), 'light']);
  });

  it('all wrong values at once', () => {
    const values = { flags: { theme: 'pink' as never }, secrets: { pin: '1' } };
    expect(messageOf(() => createTestClient({ config: strict, ...values }))).toMatch(
      /^ValuesInvalidError: 2 value\(s\)[\s\S]*secrets\.pin[\s\S]*flags\.theme/,
    );
  });

  it('a read of a missing value with what the test can do', async () => {
    const client = createTestClient({ config: strict, secrets: valid.secrets });
    const advice = (name: string, key: string) =>
      `${name}.${key} has no value and no default. Add it to the values of the test: { ${name}: { "${key}": … } }.`;
    expect(() => client.public('title')).toThrow(advice('public', 'title'));
    await expect(client.ready()).rejects.toMatchObject({
      code: 'ERR_VALUES_INVALID',
      keys: [{ message: advice('public', 'opensAt') }, { message: advice('public', 'title') }],
    });
    const other = createTestClient({ config: strict, public: valid.public });
    expect(() => other.secret('pin')).toThrow(advice('secrets', 'pin'));
    expect(() => client.public('nothing' as never)).toThrow(/"nothing" is not a public value in the schema/);
  });
});
