import { NextRequest } from 'next/server';
import { describe, expect, it } from 'vitest';
import { variantProxy } from './variants.ts';

const page = { code: async () => 'the-code', accepts: (code: string) => code === 'the-code' };
const proxy = variantProxy({
  '/': page,
  '/pricing': page,
  '/products/[slug]': page,
  '/docs/[...path]': page,
});

async function rewriteOf(path: string): Promise<string | undefined> {
  const response = await proxy(new NextRequest(`https://shop.example${path}`));
  const target = response?.headers.get('x-middleware-rewrite');
  expect(response?.headers.get('cache-control')).toBe(response && 'private, no-cache');
  return target?.replace('https://shop.example', '');
}

describe('variantProxy', () => {
  it.each([
    ['/', '/variants/the-code'],
    ['/pricing', '/variants/the-code/pricing'],
    ['/pricing?coupon=1', '/variants/the-code/pricing?coupon=1'],
    ['/products/a.b', '/variants/the-code/products/a.b'],
    ['/docs/a/b/c', '/variants/the-code/docs/a/b/c'],
  ])('rewrites %s to %s', async (path, target) => {
    expect(await rewriteOf(path)).toBe(target);
  });

  it.each([
    '/other',
    '/pricing/more',
    '/products',
    '/products/a/b',
    '/docs',
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

  it('refuses a path that is not one', () => {
    expect(() => variantProxy({ pricing: page })).toThrow('the path "pricing" must start with "/"');
  });
});
