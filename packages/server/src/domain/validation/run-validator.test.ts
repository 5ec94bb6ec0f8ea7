import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it, onTestFinished } from 'vitest';
import { passes } from './run-validator.ts';

it('a validator that returns a promise refuses every value and leaves no unhandled rejection', async () => {
  const rejections: unknown[] = [];
  const listener = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', listener);
  onTestFinished(() => void process.off('unhandledRejection', listener));
  const validate = new Ajv2020({ strict: false, verbose: true }).compile({ $async: true, type: 'number' });
  expect(passes(validate as never, 'sk_hidden')).toBe(false);
  expect(passes(validate as never, 5)).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(rejections).toEqual([]);
});

it('any other validator decides', () => {
  const validate = new Ajv2020().compile({ type: 'number' });
  expect([passes(validate, 5), passes(validate, 'x')]).toEqual([true, false]);
});

it.each([
  [{ const: { toString: 1 } }, { toString: 1 }],
  [{ enum: [{ valueOf: 'a' }] }, { valueOf: 'b' }],
  [{ uniqueItems: true }, [{ toString: null }, { toString: null }]],
])('a validator that cannot compare refuses without an error of an earlier value: %j', (schema, value) => {
  const validate = new Ajv2020({ strict: false }).compile({ ...schema, type: ['object', 'array'] });
  expect(passes(validate, 'earlier')).toBe(false);
  expect(validate.errors).toHaveLength(1);
  expect(passes(validate, value)).toBe(false);
  expect(validate.errors).toBeNull();
});
