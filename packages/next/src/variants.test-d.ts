import { defineConfig } from '@smooai/config';
import type { NextRequest } from 'next/server';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createNextConfig } from './server.ts';
import { createVariants, variantProxy } from './variants.ts';

const config = defineConfig({
  context: z.object({ userId: z.string() }),
  public: { supportEmail: z.string() },
  secrets: { paymentKey: z.string() },
  flags: {
    newCheckout: z.boolean(),
    theme: z.enum(['light', 'dark']).default('light'),
    columns: z.literal([1, 2, 3]).nullable(),
    headline: z.string(),
    discount: z.number(),
    copy: z.object({ title: z.string() }),
    day: z.iso.date().transform((text) => new Date(text)),
  },
});
const { flags } = createNextConfig({ config, context: () => ({ userId: 'u' }) });
const variants = createVariants({ config, flags });

describe('variants', () => {
  const pricing = variants(['newCheckout', 'theme', 'columns']);

  it('has the values of the declared flags only', () => {
    expectTypeOf(pricing.values('code')).toEqualTypeOf<{
      readonly newCheckout: boolean;
      readonly theme: 'light' | 'dark';
      readonly columns: 1 | 2 | 3 | null;
    }>();
    expectTypeOf(pricing.generateVariants).returns.toEqualTypeOf<{ variant: string }[]>();
    void pricing.code({ userId: 'u' });
    // @ts-expect-error userId is missing
    void pricing.code({});
    const about = variants([]);
    expectTypeOf<keyof ReturnType<typeof about.values>>().toBeNever();
  });

  it('takes flags only', () => {
    // @ts-expect-error a secret
    variants(['paymentKey']);
    // @ts-expect-error a public value
    variants(['supportEmail']);
    // @ts-expect-error misspelt
    variants(['newCheckot']);
  });

  it('needs the possible values of flags with any number of them', () => {
    // @ts-expect-error the values of a string are not listed
    variants(['headline']);
    // @ts-expect-error only those of one of two
    variants(['headline', 'discount'], { headline: ['Hello'] });
    // @ts-expect-error not a string
    variants(['headline'], { headline: [1] });
    // @ts-expect-error not a theme
    variants(['theme'], { theme: ['blue'] });
    // @ts-expect-error not one of the declared flags
    variants(['theme'], { headline: ['Hello'] });
    variants(['headline', 'discount', 'theme'], { headline: ['Hello'], discount: [0, 10] });
    variants(['newCheckout', 'theme'], { theme: ['dark'] });
  });

  it('takes no flags whose values a code cannot carry', () => {
    // @ts-expect-error an object
    variants(['copy'], { copy: [{ title: 'Hello' }] });
    // @ts-expect-error a date
    variants(['day'], { day: [new Date()] });
  });

  it('makes a proxy of Next', () => {
    const proxy = variantProxy({ '/pricing': pricing });
    expectTypeOf(proxy).toBeCallableWith({} as NextRequest);
  });
});
