// Before all others: modules of Next look for the global that it sets when they are loaded.
import 'next/dist/server/node-environment-baseline.js';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyConfig } from '@smooai/config';
import { createTestClient, type TestValues } from '@smooai/config/testing';
import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { NextRequest } from 'next/server';
import { runWithClient } from './test-client.ts';

/** What code reads in {@link inRequest}: the values of a test client, and a request. */
export interface TestRequest<C extends AnyConfig> extends TestValues<C> {
  /** The schema. Keys without a value have its defaults. */
  config: C;
  /** The cookies of the request; default none. */
  cookies?: Record<string, string>;
  /** The headers of the request; default none. */
  headers?: Record<string, string>;
  /** The URL of the request; default `https://test.example/`. */
  url?: string;
}

/**
 * Runs server code as in a request: server components, server actions and route handlers, which may call `cookies()` and
 * `headers()`. What `createNextConfig` returned reads the given values there, without a config server. Tests may run
 * concurrently. List this module in Vitest's `setupFiles`: it must be loaded before Next.
 *
 * @example
 * const values = { config, flags: { newCheckout: true }, cookies: { userId: 'u-1' } };
 * expect(await inRequest(values, () => placeOrder(lines))).toEqual({ ok: true });
 */
export async function inRequest<C extends AnyConfig, Result>(
  values: TestRequest<C>,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  if (!(workAsyncStorage instanceof AsyncLocalStorage)) {
    throw new Error(
      'inRequest: Next was loaded first. Add "@smooai/config-next/testing" to "setupFiles" of Vitest.',
    );
  }
  const { cookies, headers, url = 'https://test.example/', ...clientValues } = values;
  const request = new NextRequest(url, { headers: headers ?? {} });
  for (const [name, value] of Object.entries(cookies ?? {})) request.cookies.set(name, value);
  const client = createTestClient<C>(clientValues as { config: C } & TestValues<C>);
  const work = { page: '/page', route: new URL(url).pathname, forceStatic: false };
  const unit = {
    type: 'request',
    // In which Next lets code write cookies too, as server actions do.
    phase: 'action',
    headers: request.headers,
    cookies: request.cookies,
    userspaceMutableCookies: request.cookies,
  };
  try {
    return await workAsyncStorage.run(work as never, () =>
      workUnitAsyncStorage.run(unit as never, () =>
        runWithClient(client, run, () => new AsyncLocalStorage()),
      ),
    );
  } finally {
    await client.close();
  }
}
