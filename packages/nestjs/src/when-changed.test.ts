import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Rebuilt, SmooConfigModule, type WhenChangedOptions, whenChanged } from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

const POOL = Symbol('pool');

interface Pool {
  key: string;
  isEnded: boolean;
}

afterEach(() => vi.restoreAllMocks());

async function start(
  create: (key: string) => Pool | Promise<Pool> = (key) => ({ key, isEnded: false }),
  options: WhenChangedOptions<Pool> = {
    dispose: (pool) => {
      pool.isEnded = true;
    },
  },
) {
  const client = createTestClient({ config, secrets: { paymentKey: 'k-1' } });
  const created: Pool[] = [];
  const provider = {
    provide: POOL,
    ...whenChanged<Pool>(
      ['paymentKey', 'supportEmail'],
      async (current) => {
        const pool = await create(current.secret('paymentKey'));
        created.push(pool);
        return pool;
      },
      options,
    ),
  };
  const { app } = await startApp({ imports: [SmooConfigModule.forRoot({ client })], providers: [provider] });
  const pool = app.get<Rebuilt<Pool>>(POOL);
  const rotate = async (paymentKey: string): Promise<void> => {
    client.set({ secrets: { paymentKey } });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { app, client, created, pool, rotate };
}

describe('whenChanged', () => {
  it('builds the provider before the start, and again after a change of one of its keys', async () => {
    const { client, created, pool, rotate } = await start();
    expect(pool).toBeInstanceOf(Rebuilt);
    expect(pool.use(({ key }) => key)).toBe('k-1');
    await rotate('k-2');
    expect(pool.use(({ key }) => key)).toBe('k-2');
    client.set({ flags: { beta: true }, secrets: { paymentKey: 'k-2' } });
    await rotate('k-2');
    expect(created.map(({ key }) => key)).toEqual(['k-1', 'k-2']);
    expect(created.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  });

  it('replaces a value that is built synchronously with the change', async () => {
    const client = createTestClient({ config, secrets: { paymentKey: 'k-1' } });
    const provider = {
      provide: POOL,
      ...whenChanged(['paymentKey'], (current) => current.secret('paymentKey')),
    };
    const { app } = await startApp({
      imports: [SmooConfigModule.forRoot({ client })],
      providers: [provider],
    });
    client.set({ secrets: { paymentKey: 'k-2' } });
    expect(app.get<Rebuilt<string>>(POOL).use((value) => value)).toBe('k-2');
  });

  it('disposes of the previous value after its last use', async () => {
    const { created, pool, rotate } = await start();
    const finish: (() => void)[] = [];
    const uses = [1, 2].map(() => pool.use(() => new Promise<void>((resolve) => finish.push(resolve))));
    await rotate('k-2');
    expect(created[0]?.isEnded).toBe(false);
    finish[0]?.();
    await uses[0];
    expect(created[0]?.isEnded).toBe(false);
    finish[1]?.();
    await uses[1];
    expect(created.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  });

  it('counts a use that fails as finished', async () => {
    const { created, pool, rotate } = await start();
    expect(() =>
      pool.use(() => {
        throw new Error('expected');
      }),
    ).toThrow('expected');
    await expect(pool.use(() => Promise.reject(new Error('expected')))).rejects.toThrow('expected');
    await rotate('k-2');
    expect(created[0]?.isEnded).toBe(true);
  });

  it('keeps the previous value while a rebuild fails, and logs no message, which may contain the secret', async () => {
    const log = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { created, pool, rotate } = await start((key) => {
      if (key === 'bad-secret') throw new TypeError(`cannot use ${key}`);
      return { key, isEnded: false };
    });
    await rotate('bad-secret');
    expect(pool.use(({ key }) => key)).toBe('k-1');
    expect(created[0]?.isEnded).toBe(false);
    expect(log.mock.calls.flat().join()).toContain(
      'could not be rebuilt after a change of paymentKey, supportEmail: TypeError',
    );
    expect(log.mock.calls.flat().join()).not.toContain('bad-secret');
    await rotate('k-3');
    expect(pool.use(({ key }) => key)).toBe('k-3');
  });

  it('follows each of several changes in one turn', async () => {
    const client = createTestClient({ config, secrets: { paymentKey: 'k-1' } });
    const provider = {
      provide: POOL,
      ...whenChanged(['paymentKey'], (current) => current.secret('paymentKey')),
    };
    const { app } = await startApp({
      imports: [SmooConfigModule.forRoot({ client })],
      providers: [provider],
    });
    const rebuilt = app.get<Rebuilt<string>>(POOL);
    for (const paymentKey of ['k-2', 'k-3', 'k-4']) {
      client.set({ secrets: { paymentKey } });
      expect(rebuilt.use((value) => value)).toBe(paymentKey);
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('very-secret');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('very-secret'))],
  ])('logs the name of the error if onError %s, and goes on', async (_, onError) => {
    const error = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const create = (key: string): Pool => {
      if (key === 'bad') throw new Error('very-secret');
      return { key, isEnded: false };
    };
    const { pool, rotate } = await start(create, { onError });
    await rotate('bad');
    expect(error.mock.calls).toEqual([['The "onError" of whenChanged failed: RangeError.']]);
    await rotate('k-3');
    expect(pool.use(({ key }) => key)).toBe('k-3');
  });

  it('follows a change during a rebuild', async () => {
    const finish: (() => void)[] = [];
    let isFirst = true;
    const { created, pool, rotate } = await start((key) => {
      if (isFirst) {
        isFirst = false;
        return { key, isEnded: false };
      }
      return new Promise((resolve) => finish.push(() => resolve({ key, isEnded: false })));
    });
    await rotate('k-2');
    await rotate('k-3');
    expect(finish).toHaveLength(1);
    finish[0]?.();
    await expect.poll(() => finish).toHaveLength(2);
    finish[1]?.();
    await expect.poll(() => pool.use(({ key }) => key)).toBe('k-3');
    expect(created.map(({ isEnded }) => isEnded)).toEqual([true, true, false]);
  });

  it('disposes of the value with the application, by its symbol without the option', async () => {
    const disposed: string[] = [];
    const { app, rotate } = await start(
      (key) => ({ key, isEnded: false, [Symbol.asyncDispose]: async () => void disposed.push(key) }),
      {},
    );
    await rotate('k-2');
    expect(disposed).toEqual(['k-1']);
    await app.close();
    await app.close();
    expect(disposed).toEqual(['k-1', 'k-2']);
    await rotate('k-3');
    expect(disposed).toEqual(['k-1', 'k-2']);
  });

  it('ends the start if the value cannot be built', async () => {
    await expect(start(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
  });
});
