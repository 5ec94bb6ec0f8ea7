import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jsonOf, startServer } from '../test-support/running-server.ts';
import { LastingOverload } from './load-shedding.ts';

/** Keeps the event loop busy for a second at a time. */
function overload(): () => void {
  const timer = setInterval(() => {
    const end = performance.now() + 1_000;
    while (performance.now() < end);
  }, 1);
  const stop = () => clearInterval(timer);
  onTestFinished(stop);
  return stop;
}

async function requestUntil(url: string, status: number): Promise<Response> {
  let response = await fetch(url);
  while (response.status !== status) {
    await delay(20);
    response = await fetch(url);
  }
  return response;
}

it('a pause is not overload, however long it was', () => {
  const overload = new LastingOverload();
  const states = [true, true, false, true, true, true, true, false].map((isOverloaded) => {
    overload.add(isOverloaded);
    return overload.isLasting;
  });
  expect(states).toEqual([false, false, false, false, false, true, true, false]);
});

describe('a server whose event loop is behind', { timeout: 300_000 }, () => {
  it('refuses requests while that lasts, but not those for its health', async () => {
    const { url } = await startServer({ maxEventLoopDelayMs: 400 });
    const stop = overload();
    const refused = await requestUntil(`${url}/jwks`, 503);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await jsonOf(refused)).toEqual({ message: 'The server is overloaded. Try again later.' });
    const flags = await fetch(`${url}/ofrep/v1/evaluate/flags`, { method: 'POST' });
    expect(flags.status).toBe(503);
    expect(await jsonOf(flags)).toEqual({ errorDetails: 'The server is overloaded. Try again later.' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    // Its check of the storage may take too long now, but it is made.
    expect((await jsonOf(await fetch(`${url}/readyz`))).status).toMatch(/^(?:ok|unavailable)$/);
    stop();
    await requestUntil(`${url}/jwks`, 200);
  });

  it('refuses nothing by default', async () => {
    const { url } = await startServer();
    const stop = overload();
    for (let request = 0; request < 4; request++) expect((await fetch(`${url}/jwks`)).status).toBe(200);
    stop();
  });
});
