import { expect, it } from 'vitest';
import { z } from 'zod';
import { browserValue, noteBrowserValue } from './browser-value.ts';
import type { KeyDefinition } from './config-types.ts';
import { defineConfig } from './define-config.ts';

const config = defineConfig({
  public: { big: z.string().transform(BigInt) },
  secrets: { hidden: z.string().transform((text) => new URL(text)) },
});

function keyOf(name: string): KeyDefinition {
  const key = config.keys.get(name);
  if (key === undefined) throw new Error('The schema has no such key.');
  return key;
}

it('remembers a thousand values of a key that no weak map can hold', () => {
  const big = keyOf('big');
  for (let value = 0n; value <= 1_000n; value += 1n) noteBrowserValue(big, value, String(value));
  expect([0n, 1n, 1_000n].map((value) => browserValue(big, value))).toEqual([undefined, '1', '1000']);
});

it('remembers nothing of a secret', () => {
  const hidden = keyOf('hidden');
  const parsed = new URL('https://user:hunter2@example.com');
  noteBrowserValue(hidden, parsed, parsed.href);
  expect(browserValue(hidden, parsed)).toBeUndefined();
});
