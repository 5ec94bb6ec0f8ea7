import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SmooConfigModule, type SmooConfigOptions } from './index.ts';
import { config } from './test-support/shop-config.ts';

type Settings = Omit<Extract<SmooConfigOptions<typeof config>, { config: unknown }>, 'config'>;

const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {} };
let server: ConfigServer;
let settings: NonNullable<ConfigServer['credentials']> & { environment: string };

// The schema requires a secret that nobody sets, so that every client connects, and no start succeeds.
beforeAll(async () => {
  server = await createConfigServer({ env: {} });
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  settings = { ...server.credentials, environment: 'development' };
  const api = new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings) });
  // Also loads what the first request of a client imports, which can take longer than a test's `readyTimeoutMs`.
  await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
});

afterAll(() => server.close());

/** Starts a module, which fails. Returns what its client did with the network. */
async function failingStart(options: Partial<Settings> & { fetch?: typeof fetch }) {
  const requests: { signal: AbortSignal | null | undefined; isStream: boolean }[] = [];
  const counting: typeof fetch = (input, init) => {
    const accept = new Headers(init?.headers).get('accept') ?? '';
    requests.push({ signal: init?.signal, isStream: accept.includes('event-stream') });
    return (options.fetch ?? fetch)(input, init);
  };
  const statuses: string[] = [];
  const onEvent: Settings['onEvent'] = (event) => {
    if (event.type === 'status') statuses.push(event.status);
  };
  const module = SmooConfigModule.forRoot({ ...settings, config, ...options, fetch: counting, onEvent });
  const error = await Test.createTestingModule({ imports: [module] })
    .setLogger(silent)
    .compile()
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return { error, requests, statuses };
}

/** Timers that keep this process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const hang: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });

const refuse: typeof fetch = () => Promise.reject(new TypeError('refused'));

// With `background` and `lazy` a client would try again until it is closed.
describe.each([undefined, 'background', 'lazy'] as const)(
  'a client with start %s whose start failed',
  (start) => {
    it.each([
      ['a required value is missing', { readyTimeoutMs: 60_000 }, 'ERR_VALUES_INVALID'],
      ['the server does not respond', { fetch: hang, readyTimeoutMs: 50 }, 'ERR_READY_TIMEOUT'],
      ['the server cannot be reached', { fetch: refuse, readyTimeoutMs: 50 }, 'ERR_READY_TIMEOUT'],
    ])('leaves no stream, timer or request behind: %s', async (_, options, code) => {
      const before = timers();
      const { error, requests, statuses } = await failingStart({
        ...options,
        ...(start !== undefined && { start }),
      });
      expect(error).toMatchObject({ code });
      expect(requests.length).toBeGreaterThan(0);
      expect(requests.filter(({ isStream, signal }) => isStream && signal?.aborted !== true)).toEqual([]);
      expect(statuses.at(-1)).toBe('closed');
      // The server runs in this process too, and its side of a connection ends a little later.
      await expect.poll(timers).toBeLessThanOrEqual(before);
      const count = requests.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(requests).toHaveLength(count);
    });
  },
);

describe('a client that was passed in', () => {
  it('is left open when its start fails', async () => {
    const client = createTestClient({ config });
    const start = Test.createTestingModule({ imports: [SmooConfigModule.forRoot({ client })] })
      .setLogger(silent)
      .compile();
    await expect(start).rejects.toThrow(/paymentKey/);
    client.set({ secrets: { paymentKey: 'k' } });
    expect((await client.ready()).secret('paymentKey')).toBe('k');
  });
});
