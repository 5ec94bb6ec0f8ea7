import { OptionsError } from '@smooai/config';
import { NextRequest } from 'next/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { variantProxy } from './variants.ts';

const page = { code: async () => 'the-code', accepts: (code: string) => code === 'the-code' };
const proxy = variantProxy({
  '/': page,
  '/pricing': page,
  '/products/[slug]': page,
  '/docs/[...path]': page,
  '/help/[[...path]]': page,
});

async function rewriteOf(path: string): Promise<string | undefined> {
  const response = await proxy(new NextRequest(`https://shop.example${path}`));
  const target = response?.headers.get('x-middleware-rewrite');
  expect(response?.headers.get('cache-control')).toBe(response && 'private, no-cache');
  return target?.replace('https://shop.example', '');
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The path that a visitor gets while the code of their variant cannot be determined. */
async function rewriteWith(code: () => Promise<string>): Promise<string | null | undefined> {
  const response = await variantProxy({ '/pricing': { ...page, code } })(
    new NextRequest('https://shop.example/pricing'),
  );
  return response?.headers.get('x-middleware-rewrite');
}

describe('variantProxy', () => {
  it.each([
    ['/', '/variants/the-code'],
    ['/pricing', '/variants/the-code/pricing'],
    ['/pricing?coupon=1', '/variants/the-code/pricing?coupon=1'],
    ['/products/a.b', '/variants/the-code/products/a.b'],
    ['/docs/a/b/c', '/variants/the-code/docs/a/b/c'],
    ['/help', '/variants/the-code/help'],
    ['/help/a/b', '/variants/the-code/help/a/b'],
  ])('rewrites %s to %s', async (path, target) => {
    expect(await rewriteOf(path)).toBe(target);
  });

  it.each([
    '/other',
    '/pricing/more',
    '/products',
    '/products/a/b',
    '/docs',
    '/helpful',
    '/variants',
    '/variants/x/other',
  ])('leaves %s as it is', async (path) => {
    expect(await rewriteOf(path)).toBeUndefined();
  });

  it('leaves a path with a valid code, and rewrites all others to the default variant', async () => {
    expect(await rewriteOf('/variants/the-code/pricing')).toBeUndefined();
    expect(await rewriteOf('/variants/the-code')).toBeUndefined();
    expect(await rewriteOf('/variants/forged/pricing')).toBe('/variants/default/pricing');
    expect(await rewriteOf('/variants/forged')).toBe('/variants/default');
    expect(await rewriteOf('/variants/forged/products/a')).toBe('/variants/default/products/a');
  });

  it('keeps the base path', async () => {
    const request = new NextRequest('https://shop.example/base/pricing', {
      nextConfig: { basePath: '/base' },
    });
    const response = await proxy(request);
    expect(response?.headers.get('x-middleware-rewrite')).toBe(
      'https://shop.example/base/variants/the-code/pricing',
    );
  });

  it('shows the default variant, and logs the error, when the context of the visitor throws', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const error = new Error('The session store is down.');
    expect(await rewriteWith(() => Promise.reject(error))).toBe(
      'https://shop.example/variants/default/pricing',
    );
    expect(log).toHaveBeenCalledWith(expect.stringContaining('shown with the defaults of its flags'), error);
  });

  it('shows the default variant when the context of the visitor does not resolve within 10 s', async () => {
    vi.useFakeTimers();
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const rewrite = rewriteWith(() => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await rewrite).toBe('https://shop.example/variants/default/pricing');
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('"context" did not resolve within 10 s'));
  });

  it('rejects with an error in the settings, such as a missing secret', async () => {
    const error = new OptionsError('secret', 'Variants need a secret.');
    await expect(rewriteWith(() => Promise.reject(error))).rejects.toBe(error);
  });

  it('refuses a path that is not one', () => {
    expect(() => variantProxy({ pricing: page })).toThrow('the path "pricing" must start with "/"');
  });
});
