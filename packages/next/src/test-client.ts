import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';

/** The storage of the running test. A global symbol, because a test runner may load this module several times. */
const TESTS: unique symbol = Symbol.for('@smooai/config-next/tests') as never;

/** The part of an AsyncLocalStorage that is used here. */
interface TestStorage {
  getStore(): ConfigClient<AnyConfig> | undefined;
  run<Result>(client: ConfigClient<AnyConfig>, callback: () => Result): Result;
}

/** Returns the client of the test that is running; undefined outside of one. */
export function testClient<C extends AnyConfig>(): ConfigClient<C> | undefined {
  return (globalThis as { [TESTS]?: TestStorage })[TESTS]?.getStore() as ConfigClient<C> | undefined;
}

/** Runs `callback` with a client for all reads in it. */
export function runWithClient<C extends AnyConfig, Result>(
  client: ConfigClient<C>,
  callback: () => Result,
  createStorage: () => TestStorage,
): Result {
  const holder = globalThis as { [TESTS]?: TestStorage };
  holder[TESTS] ??= createStorage();
  return holder[TESTS].run(client as unknown as ConfigClient<AnyConfig>, callback);
}
