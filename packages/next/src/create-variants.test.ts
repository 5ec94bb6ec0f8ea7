import { type AnyConfig, defineConfig } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createNextConfig } from './server.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';
import { createVariants } from './variants.ts';

const secret = 'a'.repeat(32);
const config = shopConfig();

function shopVariants() {
  const client = createTestClient({ config, flags: { freeShipping: onlyIn('NL'), theme: 'dark' } });
  const { flags } = createNextConfig({ client });
  return createVariants({ config, flags, secret });
}

/** Flags that are not evaluated. */
const unread = () => Promise.reject(new Error('The flags were read.'));

describe('the variants of a page', () => {
  it('has the values of the visitor in its code', async () => {
    const pricing = shopVariants()(['newCheckout', 'freeShipping', 'theme']);
    const [dutch, other] = [await pricing.code({ country: 'NL' }), await pricing.code()];
    expect(pricing.values(dutch)).toEqual({ newCheckout: false, freeShipping: true, theme: 'dark' });
    expect(pricing.values(other)).toEqual({ newCheckout: false, freeShipping: false, theme: 'dark' });
    expect(pricing.snapshot(dutch)).toMatchObject({
      public: {},
      flags: { theme: { value: 'dark' } },
      limits: {},
    });
  });

  it('has the defaults for a code that is not valid', async () => {
    const pricing = shopVariants()(['theme']);
    expect(pricing.values(await pricing.code())).toEqual({ theme: 'dark' });
    for (const code of ['forged', 'default', `${await pricing.code()}A`]) {
      expect(pricing.values(code)).toEqual({ theme: 'light' });
    }
    expect(pricing.accepts('default')).toBe(true);
    expect(pricing.accepts('forged')).toBe(false);
  });

  it('binds a code to the names of the flags, and not to their order', async () => {
    const variants = shopVariants();
    const code = await variants(['freeShipping', 'theme']).code();
    expect(variants(['theme', 'freeShipping', 'theme']).values(code)).toEqual({
      freeShipping: false,
      theme: 'dark',
    });
    expect(variants(['theme', 'newCheckout']).accepts(code)).toBe(false);
    expect(variants(['theme', 'freeShipping', 'newCheckout']).accepts(code)).toBe(false);
    expect(variants(['theme', 'freeShipping'], { theme: ['dark', 'light'] }).accepts(code)).toBe(true);
    expect(variants(['theme', 'freeShipping'], { theme: ['light'] }).accepts(code)).toBe(false);
  });

  it('yields each variant once, those that differ in few flags first, up to a maximum', () => {
    const pricing = shopVariants()(['newCheckout', 'freeShipping', 'theme']);
    const changed = pricing.generateVariants().map(({ variant }) => {
      const { newCheckout, freeShipping, theme } = pricing.values(variant);
      return [newCheckout, freeShipping, theme === 'dark'].filter(Boolean).length;
    });
    expect(changed).toEqual([0, 1, 1, 1, 2, 2, 2, 3]);
    expect(new Set(pricing.generateVariants().map(({ variant }) => variant)).size).toBe(8);
    expect(pricing.generateVariants({ max: 1 })).toEqual([{ variant: 'default' }]);
    expect(() => pricing.generateVariants({ max: 0 })).toThrow('"max" of generateVariants');
  });

  it('yields variants of a page with more of them than fit into memory', () => {
    const flags = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`flag${index}`, z.boolean()]));
    const many = defineConfig({ flags });
    const page = createVariants({ config: many, flags: unread, secret })(Object.keys(flags));
    expect(page.generateVariants()).toHaveLength(32);
  });

  it('evaluates nothing, and needs no secret, for a page without flags', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const about = createVariants({ config, flags: unread })([]);
    expect(await about.code()).toBe('default');
    expect(about.generateVariants()).toEqual([{ variant: 'default' }]);
    expect(about.values('default')).toEqual({});
    expect(about.accepts('forged')).toBe(false);
  });

  it('has the defaults without configuration, and passes other errors on', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const { flags } = createNextConfig({ config, clientOptions: { apiUrl: 'not a URL' } });
    expect(await createVariants({ config, flags, secret })(['theme']).code()).toBe('default');
    expect(warn).toHaveBeenCalledOnce();
    await expect(createVariants({ config, flags: unread, secret })(['theme']).code()).rejects.toThrow(
      'The flags were read.',
    );
    warn.mockRestore();
  });

  afterEach(() => vi.unstubAllEnvs());
});

describe('the possible values of a flag', () => {
  const flags = {
    plan: z.union([z.literal('free'), z.literal('pro'), z.null()]).default('free'),
    shades: z.literal([1, 2]),
    label: z.boolean().transform((isOn) => (isOn ? 'on' : 'off')),
    headline: z.string().default('Welcome'),
    copy: z.object({ title: z.string() }).default({ title: 'Hello' }),
  };
  const open = defineConfig({ flags });
  const variants = createVariants({ config: open, flags: unread, secret });
  const valuesOf = (page: ReturnType<typeof variants>): unknown[] =>
    page.generateVariants().map(({ variant }) => Object.values(page.values(variant))[0]);

  it('are those of booleans, enums, literals and unions of them, as the validator returns them', () => {
    expect(valuesOf(variants(['plan']) as never)).toEqual(['free', 'pro', null]);
    expect(valuesOf(variants(['shades']) as never)).toEqual([1, 2]);
    expect(valuesOf(variants(['label']) as never)).toEqual(['off', 'on']);
  });

  it('are listed for other flags, and the default is one of them', () => {
    const listed = variants(['headline'], { headline: ['Hello', 'Hi'] });
    expect(valuesOf(listed as never)).toEqual(['Welcome', 'Hello', 'Hi']);
  });

  it.each([
    [['headline'], undefined, 'the possible values of the flag "headline" are not known. List them'],
    [['headline'], { headline: [] }, 'the possible values of the flag "headline" are not known'],
    [['copy'], { copy: [{ title: 'Hi' }] }, 'a possible value of the flag "copy" is of type object'],
    [['plan'], { headline: ['Hi'] }, 'possible values of "headline", which is not in the array'],
    [['pln'], undefined, '"pln" is not a flag in the schema'],
    ['plan', undefined, "pass an array of names: variants(['name'])"],
  ])('are refused: %j, %j', (keys, given, message) => {
    expect(() => variants(keys as never, given as never)).toThrow(message);
  });

  it('are at most 256', () => {
    const headline = Array.from({ length: 256 }, (_, index) => `${index}`);
    expect(() => variants(['headline'], { headline })).toThrow(
      '"headline" has 257 possible values. List at most 256',
    );
    expect(variants(['headline'], { headline: headline.slice(1) }).accepts('default')).toBe(true);
  });
});

describe('createVariants', () => {
  it('refuses secrets, public values and limits', () => {
    const variants = createVariants({ config: config as AnyConfig, flags: unread, secret });
    for (const key of ['paymentKey', 'supportEmail', 'cartItems', '__proto__']) {
      expect(() => variants([key])).toThrow(`variants: "${key}" is not a flag in the schema.`);
    }
  });

  it('refuses a wrong schema, wrong flags and secrets that are too short, without printing them', () => {
    expect(() => createVariants({ config: {} as never, flags: unread })).toThrow('must be a schema');
    expect(() => createVariants({ config, flags: undefined as never })).toThrow(
      '"flags" must be the function',
    );
    for (const options of [{ secret: 'tiny' }, { secret, previousSecret: 'tiny' }]) {
      const page = createVariants({ config, flags: unread, ...options })(['theme']);
      expect(() => page.generateVariants()).toThrow(
        'must be a string of at least 32 characters, not 4 characters',
      );
      expect(() => page.generateVariants()).not.toThrow('tiny');
    }
  });

  it('takes the secrets from the environment, and needs one in production', async () => {
    const page = createVariants({ config, flags: unread })(['theme']);
    const inDevelopment = page.generateVariants()[1]?.variant ?? '';
    vi.stubEnv('NODE_ENV', 'production');
    expect(() => page.generateVariants()).toThrow(
      'Set SMOOAI_CONFIG_VARIANT_SECRET to the output of: openssl',
    );
    await expect(page.code()).rejects.toThrow('Set SMOOAI_CONFIG_VARIANT_SECRET');
    vi.stubEnv('SMOOAI_CONFIG_VARIANT_SECRET', secret);
    const old = page.generateVariants()[1]?.variant ?? '';
    vi.stubEnv('SMOOAI_CONFIG_VARIANT_SECRET', 'b'.repeat(32));
    vi.stubEnv('SMOOAI_CONFIG_VARIANT_SECRET_PREVIOUS', secret);
    expect(page.generateVariants()[1]?.variant).not.toBe(old);
    expect(page.values(old)).toEqual({ theme: 'dark' });
    expect(page.accepts(inDevelopment)).toBe(false);
  });

  afterEach(() => vi.unstubAllEnvs());
});
