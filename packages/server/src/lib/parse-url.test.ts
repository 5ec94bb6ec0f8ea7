import { expect, it } from 'vitest';
import { parseUrl } from './parse-url.ts';

it('accepts non-ASCII letters, even after many calls', () => {
  const hosts = Array.from({ length: 20_000 }, () => parseUrl('https://größe.example/straße')?.host);
  expect(new Set(hosts)).toEqual(new Set(['xn--gre-6ka8i.example']));
});

it.each(['', 'x', '//shop.example', 'https://', 'https://a b.example'])('refuses %j', (text) => {
  expect(parseUrl(text)).toBeUndefined();
});
