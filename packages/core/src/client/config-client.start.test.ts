import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { TokenThrottledError } from '../errors.ts';
import { defineConfig } from '../schema/define-config.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false) },
});

const databaseUrl = 'https://db.example';
const ruleset = (values: Partial<Ruleset> = {}): Ruleset => rulesetOf({ secret: { databaseUrl }, ...values });
const invalid = ruleset({ secret: { databaseUrl: 'not a url' } });
const bundled = { defaults: { secrets: { databaseUrl: 'https://bundled.example' } } };

type Options = Partial<ConfigClientOptions<typeof config>>;

function makeClient(first: Ruleset | Error | 'nothing', options: Options = {}) {
  const source = new ManualSource(first);
  const events: ConfigClientEvent[] = [];
  const onEvent = (event: ConfigClientEvent): number => events.push(event);
  const client = createConfigClient({ config, source, onEvent, overrides: false, ...options });
  const statuses = () => events.flatMap((event) => (event.type === 'status' ? [event.status] : []));
  return { client, source, events, statuses };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'resolved',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

afterEach(() => {
  vi.useRealTimers();
});

describe('ready()', () => {
  it('times out each call on its own, and cancels the shared start after the last one', async () => {
    vi.useFakeTimers();
    const { client, source } = makeClient('nothing');
    const outcomes: unknown[] = [];
    const wait = (timeoutMs: number): void => {
      void codeOf(client.ready({ timeoutMs })).then((code) => outcomes.push([timeoutMs, code]));
    };
    wait(2_000);
    wait(50);
    wait(60_000);
    await vi.advanceTimersByTimeAsync(60);
    expect(outcomes).toEqual([[50, 'ERR_READY_TIMEOUT']]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(outcomes.at(-1)).toEqual([2_000, 'ERR_READY_TIMEOUT']);
    expect([source.starts, source.stops, client.health().status]).toEqual([1, 0, 'starting']);
    source.sink?.replace(ruleset());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(outcomes.at(-1)).toEqual([60_000, 'ERR_READY_TIMEOUT']);
    expect([source.starts, source.stops, client.health().status]).toEqual([1, 1, 'failed']);
    await client.close();
  });

  it('ends at once each call that is over before the pause that the server asks for', async () => {
    vi.useFakeTimers();
    const { client, source } = makeClient('nothing');
    const long = codeOf(client.ready({ timeoutMs: 60_000 }));
    const short = client.ready({ timeoutMs: 10_000 }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    const asked = 'Too many wrong secrets for this client. It asked for a pause of 30 s.';
    source.sink?.status('connecting', new TokenThrottledError(asked, { retryAfterMs: 30_000, status: 429 }));
    await vi.advanceTimersByTimeAsync(1);
    const message = `The config client cannot be ready within 10000 ms. Last failure: ${asked} To wait longer, `;
    expect(await short).toMatchObject({
      code: 'ERR_READY_TIMEOUT',
      message: expect.stringContaining(message),
      cause: expect.objectContaining({ code: 'ERR_TOKEN_THROTTLED' }),
    });
    const later = codeOf(client.ready({ timeoutMs: 20_000 }));
    await vi.advanceTimersByTimeAsync(1);
    expect(await later).toBe('ERR_READY_TIMEOUT');
    expect(client.health().status).toBe('starting');
    await client.close();
    expect(await long).toBe('ERR_CLIENT_CLOSED');
    const other = makeClient('nothing', { bundled, fallback: 'cached' });
    const fallingBack = codeOf(other.client.ready());
    await vi.advanceTimersByTimeAsync(100);
    other.source.sink?.status(
      'connecting',
      new TokenThrottledError(asked, { retryAfterMs: 30_000, status: 429 }),
    );
    await vi.advanceTimersByTimeAsync(1);
    expect(await fallingBack).toBe('resolved');
    await other.client.close();
  });

  it('falls back to bundled values for all calls at once, with one event', async () => {
    const { client, events } = makeClient(new Error('refused'), { bundled, fallback: 'cached' });
    await Promise.all([client.ready(), client.ready({ timeoutMs: 50 }), client.ready()]);
    expect(client.secret('databaseUrl')).toBe('https://bundled.example');
    const count = (type: string) => events.filter((event) => event.type === type).length;
    expect([count('fallback'), count('ready')]).toEqual([1, 1]);
    await client.close();
  });

  it('rejects an invalid timeout without affecting the client', async () => {
    const { client } = makeClient(ruleset(), { start: 'background' });
    await vi.waitFor(() => expect(client.health().status).toBe('ready'), { timeout: 30_000 });
    for (const timeoutMs of [-1, 0, Number.NaN, '5' as never]) {
      expect(await codeOf(client.ready({ timeoutMs }))).toBe('ERR_OPTIONS_INVALID');
    }
    expect(client.health().status).toBe('ready');
    await client.close();
  });

  it('starts again after a failure, with the environment variables of that moment', async () => {
    const variables: Record<string, string> = { TITLE: 'From a variable' };
    const { client, source } = makeClient(new Error('refused'), { overrides: { variables } });
    expect(await codeOf(client.ready())).toBe('refused');
    expect(client.origin('title')).toBe('environment');
    delete variables.TITLE;
    source.next = ruleset();
    await client.ready();
    expect([client.public('title'), client.origin('title')]).toEqual(['Shop', 'default']);
    await client.close();
  });

  it('leaves health() failed and disconnected after a failed start', async () => {
    const { client } = makeClient(invalid);
    expect(await codeOf(client.ready())).toBe('ERR_VALUES_INVALID');
    expect(client.health()).toMatchObject({ status: 'failed', transport: 'none', stream: 'closed' });
  });
});

describe('a start that no call waits for', () => {
  for (const start of ['background', 'lazy'] as const) {
    it(`(${start}) recovers when the server sends valid values after ready() has rejected`, async () => {
      const { client, source, statuses } = makeClient(invalid, { start });
      expect(await codeOf(client.ready())).toBe('ERR_VALUES_INVALID');
      expect(await codeOf(client.ready())).toBe('ERR_VALUES_INVALID');
      expect(client.health().status).toBe('failed');
      source.sink?.replace(ruleset({ revision: '2' }));
      expect(client.health().status).toBe('ready');
      expect(await codeOf(client.ready())).toBe('resolved');
      expect(statuses().at(-1)).toBe('ready');
      expect(source.starts).toBe(1);
      await client.close();
    });
  }

  it('becomes ready even if a call of ready() timed out before', async () => {
    const { client, source } = makeClient(new Error('refused'), { start: 'background' });
    vi.useFakeTimers();
    const waiting = codeOf(client.ready({ timeoutMs: 20 }));
    await vi.advanceTimersByTimeAsync(30);
    expect(await waiting).toMatch(/ERR_READY_TIMEOUT|refused/);
    source.next = ruleset();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.health().status).toBe('ready');
    await client.close();
  });

  it('does not poll without a pause if the interval exceeds what timers support', async () => {
    vi.useFakeTimers();
    let polls = 0;
    const fetch = (input: RequestInfo | URL): Promise<Response> => {
      const { pathname } = new URL(input as string);
      const json = (body: unknown, status = 200) => Promise.resolve(Response.json(body, { status }));
      if (pathname.endsWith('/token'))
        return json({ access_token: 'a', token_type: 'Bearer', expires_in: 3_600 });
      if (!pathname.endsWith('/values')) return json({}, 404);
      polls += 1;
      return json({ values: { databaseUrl } });
    };
    const client = createConfigClient({
      config,
      fetch,
      apiUrl: 'https://config.example',
      authUrl: 'https://auth.example',
      clientId: 'client',
      clientSecret: 'a client secret of a test',
      organizationId: 'org-1',
      pollIntervalMs: Number.POSITIVE_INFINITY,
      overrides: false,
    });
    await client.ready();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(polls).toBe(1);
    await client.close();
  });
});

describe('close()', () => {
  it('rejects all waiting calls of ready(), and returns one promise however often it is called', async () => {
    const { client, source, statuses } = makeClient('nothing');
    const waiting = [client.ready(), client.ready({ timeoutMs: 60_000 })].map(codeOf);
    const closing = client.close();
    expect(client.close()).toBe(closing);
    await closing;
    expect(await Promise.all(waiting)).toEqual(['ERR_CLIENT_CLOSED', 'ERR_CLIENT_CLOSED']);
    expect(await codeOf(client.ready())).toBe('ERR_CLIENT_CLOSED');
    expect(source.stops).toBe(1);
    expect(statuses()).toEqual(['closed']);
  });

  it('leaves health() closed and disconnected', async () => {
    const { client } = makeClient(ruleset());
    await client.ready();
    await client.close();
    expect(client.health()).toMatchObject({
      status: 'closed',
      transport: 'none',
      stream: 'closed',
      revision: '1',
    });
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
  });

  it('works from within any event', async () => {
    for (const type of ['status', 'connection', 'changed', 'ready', 'fallback'] as const) {
      const source = new ManualSource(type === 'fallback' ? new Error('refused') : ruleset());
      const closing: Promise<void>[] = [];
      const statuses: string[] = [];
      const client = createConfigClient({
        config,
        source,
        bundled,
        fallback: 'cached',
        overrides: false,
        onEvent: (event) => {
          if (event.type === 'status') statuses.push(event.status);
          if (event.type === type) closing.push(client.close());
        },
      });
      await codeOf(client.ready());
      expect(closing.length).toBeGreaterThan(0);
      await Promise.all(closing);
      expect([client.health().status, statuses.at(-1)]).toEqual(['closed', 'closed']);
      source.sink?.replace(ruleset({ revision: '9' }));
      expect(client.health().revision).not.toBe('9');
    }
  });

  it('resolves even if the source cannot be stopped', async () => {
    class Stubborn extends ManualSource {
      override stop(): void {
        throw new Error('cannot stop');
      }
    }
    const client = createConfigClient({ config, source: new Stubborn(invalid), overrides: false });
    expect(await codeOf(client.ready())).toBe('ERR_VALUES_INVALID');
    await client.close();
  });
});

describe('listeners and hooks', () => {
  it('may reject or throw without affecting the client', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const source = new ManualSource(ruleset());
    const client = createConfigClient({
      config,
      source,
      overrides: false,
      onEvent: () => Promise.reject(new Error('hook')),
    });
    await client.ready();
    client.subscribe(() => Promise.reject(new Error('subscriber')));
    client.subscribe(runInNewContext('async () => { throw new Error("another realm"); }'));
    client.onClose((() => Promise.reject(new Error('closing'))) as () => void);
    source.sink?.replace(ruleset({ revision: '2', flags: { newCheckout: true } }));
    expect(client.flag('newCheckout')).toBe(true);
    await client.close();
    client.onClose(() => {
      throw new Error('already closed');
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('do not affect reads and changes when a meter or tracer throws', async () => {
    const broken = (): never => {
      throw new Error('no metrics');
    };
    const meter = { createCounter: () => ({ add: broken }), createHistogram: () => ({ record: broken }) };
    const tracer = { startSpan: broken };
    const { client, source } = makeClient(ruleset(), { telemetry: { meter, tracer } });
    await client.ready();
    expect(client.flag('newCheckout')).toBe(false);
    source.sink?.replace(ruleset({ revision: '2', flags: { newCheckout: true } }));
    expect(client.flag('newCheckout')).toBe(true);
    await client.close();
  });

  it('may unsubscribe and subscribe while a change is being reported', async () => {
    const { client, source } = makeClient(ruleset());
    await client.ready();
    const calls: string[] = [];
    const unsubscribes: (() => void)[] = [];
    unsubscribes.push(
      client.subscribe(({ revision }) => {
        calls.push(`first ${revision}`);
        for (const unsubscribe of unsubscribes) unsubscribe();
        client.subscribe((change) => calls.push(`third ${change.revision}`));
      }),
      client.subscribe(({ revision }) => calls.push(`second ${revision}`)),
    );
    source.sink?.replace(ruleset({ revision: '2', flags: { newCheckout: true } }));
    source.sink?.replace(ruleset({ revision: '3', flags: { newCheckout: false } }));
    expect(calls).toEqual(['first 2', 'third 3']);
    await client.close();
  });

  it('see the status and age that belong to the change', async () => {
    // The age is exactly 0 only while the clocks stand still.
    vi.useFakeTimers();
    const { client, source } = makeClient(new Error('refused'), { bundled, fallback: 'cached' });
    await client.ready();
    const seen: unknown[] = [];
    client.subscribe(() => seen.push([client.health().status, client.health().ageMs]));
    source.sink?.replace(ruleset());
    expect(seen).toEqual([['ready', 0]]);
    await client.close();
  });
});

describe('the age of the values', () => {
  it('is not renewed by an older revision', async () => {
    vi.useFakeTimers();
    const { client, source } = makeClient(ruleset({ revision: '7' }));
    await client.ready();
    vi.advanceTimersByTime(60_000);
    source.sink?.replace(ruleset({ revision: '6' }));
    source.sink?.patch({ revision: '7', changes: [] });
    expect(client.health().ageMs).toBe(60_000);
    source.sink?.replace(ruleset({ revision: '7' }));
    expect(client.health().ageMs).toBe(0);
    await client.close();
  });
});

describe('a source whose start was cancelled', () => {
  it('is stopped again if it starts late, and its values are ignored', async () => {
    let finishStart = (): void => undefined;
    let stops = 0;
    const source: RulesetSource = {
      start: (sink: RulesetSink) =>
        new Promise((resolve) => {
          finishStart = () => {
            sink.replace(ruleset());
            resolve();
          };
        }),
      stop: () => {
        stops += 1;
      },
    };
    vi.useFakeTimers();
    const client = createConfigClient({ config, source, overrides: false });
    const waiting = codeOf(client.ready({ timeoutMs: 10 }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toBe('ERR_READY_TIMEOUT');
    finishStart();
    await vi.advanceTimersByTimeAsync(0);
    expect(stops).toBe(2);
    expect(client.health().revision).toBeUndefined();
    await client.close();
  });
});
