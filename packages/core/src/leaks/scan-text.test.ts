import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../index.ts';
import { createTextScanner } from '../leak-scan.ts';

const config = defineConfig({
  secrets: { paymentKey: z.string(), password: z.string() },
  flags: { newCheckout: z.boolean().default(false) },
});
const value = 'k"y/&<é> 12+34';
const scan = createTextScanner({ config, values: [{ key: 'paymentKey', value }] });

it('returns the line and the form of the first occurrence of each secret, as a value and as a name', () => {
  const base64 = Buffer.from(value).toString('base64');
  const text = `const é = 1;\nread('paymentKey', ${base64});\nread("password", \`${value}\`);\nread('paymentKey');`;
  expect(scan(text)).toEqual([
    { key: 'paymentKey', kind: 'name', form: 'name', line: 2 },
    { key: 'paymentKey', kind: 'value', form: 'Base64', line: 2 },
    { key: 'password', kind: 'name', form: 'name', line: 3 },
  ]);
});

it('takes bytes too, and finds nothing in a text without a secret', () => {
  expect(scan(new TextEncoder().encode(`\n\n${value}`))).toEqual([
    { key: 'paymentKey', kind: 'value', form: 'plain', line: 3 },
  ]);
  expect(scan('const newCheckout = "newCheckout"; let paymentKey;')).toEqual([]);
  expect(scan('')).toEqual([]);
});

it('finds nothing for a schema without secrets', () => {
  const publicOnly = defineConfig({ public: { apiBaseUrl: z.string() } });
  expect(createTextScanner({ config: publicOnly, values: [] })('"apiBaseUrl"')).toEqual([]);
});

it('leaves out what is allowed, in the files that the entry names', () => {
  const tolerant = createTextScanner({
    config,
    values: [{ key: 'paymentKey', value }],
    allow: [
      { key: 'password', file: /^assets\//, reason: 'The type of an input.' },
      { key: 'paymentKey', kind: 'value', reason: 'The value of a test.' },
    ],
  });
  const text = `"password" ${value}`;
  expect(tolerant(text, 'assets/a.js')).toEqual([]);
  expect(tolerant(text, 'b.js')).toEqual([{ key: 'password', kind: 'name', form: 'name', line: 1 }]);
  expect(tolerant('"paymentKey"', 'assets/a.js')).toHaveLength(1);
});

it('refuses an exception for a key that is not a secret', () => {
  const allow = [{ key: 'newCheckout', reason: 'It is public.' }];
  expect(() => createTextScanner({ config, values: [], allow })).toThrow(
    'An entry of "allow" names "newCheckout", which is not a secret in the schema.',
  );
});
