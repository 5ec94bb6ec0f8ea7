import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig, isConfigError, type Validators } from '../index.ts';
import { createLenientClient } from '../test-support/lenient-client.ts';

type Validator = Validators[string];

/** What the client says about a stored value when it starts; undefined if the value is valid. */
async function problemOf(
  validator: Validator,
  stored: unknown,
  group: 'public' | 'secrets' = 'public',
): Promise<string | undefined> {
  const config = defineConfig({ [group]: { setting: validator } });
  const client = createLenientClient({ config, [group]: { setting: stored } });
  try {
    await client.ready();
    return undefined;
  } catch (error) {
    if (!isConfigError(error, 'ERR_VALUES_INVALID')) throw error;
    return error.keys.map(({ message }) => message).join('\n');
  } finally {
    await client.close();
  }
}

/** A validator written by hand that returns `result` and counts its calls. */
function returning(result: () => unknown): { validator: Validator; calls: () => number } {
  let calls = 0;
  const validate = (): never => {
    calls += 1;
    return result() as never;
  };
  return { validator: { '~standard': { version: 1, vendor: 'own', validate } }, calls: () => calls };
}

const down = async (): Promise<never> => {
  throw new Error('hunter2 is down');
};
class Thenable {
  // biome-ignore lint/suspicious/noThenProperty: a promise of another library
  then(): void {}
}
const isTrue = async (): Promise<boolean> => true;

describe('a value', () => {
  const config = defineConfig({
    public: { port: z.coerce.number().int(), mode: v.picklist(['a', 'b']), size: type('number > 3') },
  });

  it('is read as its validator returns it', () => {
    const client = createLenientClient({ config, public: { port: '80', mode: 'b', size: 4 } });
    expect([client.public('port'), client.public('mode'), client.public('size')]).toEqual([80, 'b', 4]);
  });

  it('is validated once, when it arrives', () => {
    const { validator, calls } = returning(() => ({ value: 1 }));
    const client = createLenientClient({
      config: defineConfig({ public: { setting: validator } }),
      public: { setting: 'stored' },
    });
    const before = calls();
    for (let read = 0; read < 10; read++) expect(client.public('setting')).toBe(1);
    expect(calls()).toBe(before);
  });

  it.each<[string, Validator, unknown, RegExp]>([
    ['zod', z.object({ x: z.number() }), { x: 'no' }, /public\.setting is invalid: at "x": .*number/],
    ['valibot', v.object({ x: v.picklist(['a']) }), { x: 'c' }, /public\.setting is invalid: at "x": /],
    ['arktype', type({ x: 'number > 3' }), { x: 1 }, /public\.setting is invalid: at "x": /],
  ])('that is invalid is named with path and reason: %s', async (_, validator, stored, message) => {
    expect(await problemOf(validator, stored)).toMatch(message);
  });

  it.each<[string, Validator]>([
    ['zod', z.any().transform((value: { a: { b: string } }) => value.a.b)],
    [
      'valibot',
      v.pipe(
        v.any(),
        v.transform((value: { a: { b: string } }) => value.a.b),
      ),
    ],
    ['arktype', type('unknown').pipe((value) => (value as { a: { b: string } }).a.b)],
  ])('is invalid if its validator throws: %s', async (_, validator) => {
    expect(await problemOf(validator, { a: { b: 'x' } })).toBeUndefined();
    const problem = await problemOf(validator, 'hunter2');
    expect(problem).toBe('public.setting is invalid: its validator threw an error.');
  });
});

describe('a secret', () => {
  it('that is invalid is named without the message of its validator', async () => {
    const quoting = z.string().refine(() => false, { error: (issue) => `bad: ${String(issue.input)}` });
    const problem = await problemOf(quoting, 'hunter2', 'secrets');
    expect(problem).toBe('secrets.setting is invalid: does not match its schema.');
  });

  it('shows the names that its schema declares, and no name of a record', async () => {
    const accounts = z.object({ accounts: z.record(z.string(), z.object({ port: z.number() })) });
    const stored = { accounts: { hunter2: { port: 'no' } } };
    expect(await problemOf(accounts, stored, 'secrets')).toContain('at "accounts.*.port": ');
  });

  it('shows no name that occurs in its schema only as data', async () => {
    const ports = z.object({ ports: z.record(z.string(), z.number()).default({ hunter2: 1 }) });
    const problem = await problemOf(ports, { ports: { hunter2: 'no' } }, 'secrets');
    expect(problem).toContain('at "ports.*": ');
  });
});

describe('a validator', () => {
  it.each<[string, Validator, unknown]>([
    ['zod: a check', z.string().refine(isTrue), 'a'],
    ['zod: a check inside an object', z.object({ a: z.email().refine(isTrue) }), { a: 'a@example.com' }],
    ['zod: a transform', z.string().transform(async (text) => text), 'a'],
    ['valibot: a check', v.pipeAsync(v.string(), v.checkAsync(isTrue)), 'a'],
    ['arktype: a morph', type('string').pipe(isTrue), 'a'],
    ['written by hand', returning(async () => ({ value: 1 })).validator, 'a'],
    ['written by hand, with its own kind of promise', returning(() => new Thenable()).validator, 'a'],
  ])('that is asynchronous makes its key invalid at the first value: %s', async (_, validator, stored) => {
    expect(await problemOf(validator, stored)).toBe(
      'public.setting is invalid: its validator is asynchronous; use a synchronous one.',
    );
  });

  it.each<[string, Validator, unknown]>([
    ['valibot: a check', v.pipeAsync(v.string(), v.checkAsync(down)), 'a'],
    [
      'valibot: two checks',
      v.objectAsync({
        a: v.pipeAsync(v.string(), v.checkAsync(down)),
        b: v.pipeAsync(v.string(), v.checkAsync(down)),
      }),
      { a: 'a', b: 'b' },
    ],
    ['arktype: a morph', type('string').pipe(down), 'a'],
    ['written by hand', returning(down).validator, 'a'],
  ])('that is asynchronous leaves no rejection unhandled: %s', async (_, validator, stored) => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    try {
      expect(await problemOf(validator, stored)).toContain('is asynchronous');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', listener);
    }
  });

  it.each<[string, (count: () => void) => Validator]>([
    ['that is asynchronous', (count) => z.string().refine(async () => count())],
    [
      'that throws',
      (count) =>
        z.string().refine(() => {
          count();
          throw new Error('no');
        }),
    ],
  ])('of zod %s runs once per value', async (_, make) => {
    let runs = 0;
    const validator = make(() => {
      runs += 1;
    });
    expect(await problemOf(validator, 'a')).toContain('its validator');
    expect(runs).toBe(1);
  });
});
