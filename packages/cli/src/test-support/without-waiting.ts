import { TokenProvider } from '@smooai/config/server';
import { onTestFinished, vi } from 'vitest';

/** More than all retries of a command take. */
const MAX_SECONDS = 600;

/** Runs with fake timers, so that retries do not wait. Throws if the action does not end in ten minutes of fake time. */
export async function withoutWaiting<Result>(action: () => Promise<Result>): Promise<Result> {
  await loadHttp();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  let isDone = false;
  const result = action().finally(() => {
    isDone = true;
  });
  for (let seconds = 0; !isDone; seconds++) {
    if (seconds === MAX_SECONDS) throw new Error(`The action did not end in ${MAX_SECONDS} s.`);
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  vi.useRealTimers();
  return result;
}

/** The first request imports the HTTP library, which takes real time, while minutes of fake time pass. */
async function loadHttp(): Promise<void> {
  const settings = { authUrl: 'https://issuer.example', clientId: 'c-1', clientSecret: 'a-client-secret' };
  const fetch = () => Promise.reject(new Error('This request is only made to load the library.'));
  await new TokenProvider({ ...settings, fetch, maxAttempts: 1 }).getAccessToken().catch(() => undefined);
}
