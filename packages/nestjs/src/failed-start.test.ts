import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigModule, type ConfigModuleOptions } from './index.ts';
import { config } from './test-support/shop-config.ts';

type Settings = Omit<Extract<ConfigModuleOptions<typeof config>, { config: unknown }>, 'config'>;

const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {} };
let server: ConfigServer;
let settings: NonNullable<ConfigServer['credentials']> & { environment: string };

// The schema requires a secret that nobody sets, so that every client connects, and no start succeeds.
beforeAll(async () => {
  server = await createConfigServer({ env: {} });
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  settings = { ...server.credentials, environment: 'development' };
  const api = new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings) });
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
  const module = ConfigModule.forRoot({ ...settings, config, ...options, fetch: counting, onEvent });
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
const starts = [undefined, 'background', 'lazy'] as const;

describe.each(starts)('a client with start %s that cannot reach its server in time', (start) => {
  it.each([
    ['does not respond', hang],
    ['refuses the connection', refuse],
  ])('is closed and leaves no timer or request behind: the server %s', async (_, network) => {
    const before = timers();
    const options = { fetch: network, readyTimeoutMs: 50, ...(start !== undefined && { start }) };
    const { error, requests, statuses } = await failingStart(options);
    expect(error).toMatchObject({ code: 'ERR_READY_TIMEOUT' });
    expect(statuses.at(-1)).toBe('closed');
    expect(requests.length).toBeGreaterThan(0);
    const count = requests.length;
    await expect.poll(timers, { timeout: 10_000 }).toBeLessThanOrEqual(before);
    expect(requests).toHaveLength(count);
  });
});

// Without its timers, because the server of this process has timers too.
describe.each(starts)('a client with start %s that lacks a required value', (start) => {
  it('is closed and leaves no stream behind', async () => {
    const { error, requests, statuses } = await failingStart(start === undefined ? {} : { start });
    expect(error).toMatchObject({ code: 'ERR_VALUES_INVALID' });
    expect(statuses.at(-1)).toBe('closed');
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.filter(({ isStream, signal }) => isStream && signal?.aborted !== true)).toEqual([]);
    const count = requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(requests).toHaveLength(count);
  });
});

describe('a client that was passed in', () => {
  it('is left open when its start fails', async () => {
    const client = createTestClient({ config });
    const start = Test.createTestingModule({ imports: [ConfigModule.forRoot({ client })] })
      .setLogger(silent)
      .compile();
    await expect(start).rejects.toThrow(/paymentKey/);
    client.set({ secrets: { paymentKey: 'k' } });
    expect((await client.ready()).secret('paymentKey')).toBe('k');
  });
});
