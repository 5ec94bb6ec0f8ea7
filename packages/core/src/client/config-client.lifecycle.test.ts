import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { startLoopbackServer } from '../test-support/loopback-server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { createTestClient } from '../testing.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: {
    databaseUrl: z.url(),
    pool: z.object({ size: z.number() }).default({ size: 1 }),
    webhook: z
      .url()
      .transform((text) => new URL(text))
      .optional(),
  },
  flags: { newCheckout: z.boolean().default(false) },
});

const databaseUrl = 'postgres://user:hunter2@db.example:5432/shop';

const ruleset = (values: Partial<Ruleset> = {}): Ruleset => rulesetOf({ secret: { databaseUrl }, ...values });

async function readyClient(options: Partial<ConfigClientOptions<typeof config>> = {}) {
  const source = new ManualSource(ruleset());
  const events: ConfigClientEvent[] = [];
  const onEvent = (event: ConfigClientEvent): number => events.push(event);
  const client = await createConfigClient({ config, source, onEvent, ...options }).ready();
  const { sink } = source;
  if (sink === undefined) throw new Error('the source was not started');
  return { client, sink, events };
}

describe('health', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('turns to failed when the values are older than allowed, and back when they are confirmed', async () => {
    const { client, sink, events } = await readyClient({ maxStalenessMs: 60_000 });
    vi.advanceTimersByTime(50_000);
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 50_000 });
    sink.confirm();
    vi.advanceTimersByTime(59_000);
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 59_000 });
    sink.status('disconnected', new Error('gone'));
    vi.advanceTimersByTime(2_000);
    expect(client.health().status).toBe('failed');
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    sink.status('polling');
    sink.confirm();
    expect(client.health()).toMatchObject({
      status: 'ready',
      ageMs: 0,
      transport: 'polling',
      stream: 'closed',
    });
    await client.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(events.flatMap((event) => (event.type === 'status' ? [event.status] : []))).toEqual([
      'ready',
      'stale',
      'failed',
      'ready',
      'closed',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not count what is older than the values in hand as news of the server', async () => {
    const { client, sink } = await readyClient({ maxStalenessMs: 60_000 });
    sink.replace(ruleset({ revision: '7' }));
    for (let minute = 0; minute < 2; minute += 1) {
      vi.advanceTimersByTime(31_000);
      sink.replace(ruleset({ revision: '6' }));
      sink.patch({ revision: '6', previousRevision: '5', changes: [] });
    }
    expect(client.health()).toMatchObject({ status: 'failed', ageMs: 62_000, revision: '7' });
    sink.patch({ revision: '8', previousRevision: '7', changes: [] });
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 0, revision: '8' });
    await client.close();
  });

  it('says how old the values are after the machine slept', async () => {
    const { client } = await readyClient({ maxStalenessMs: 60_000 });
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(client.health()).toMatchObject({ status: 'failed', ageMs: 3_600_000 });
    await client.close();
  });
});

describe('onSecretChange', () => {
  it('tells of a rotation with the new value, and of nothing else', async () => {
    const { client, sink, events } = await readyClient();
    const seen: string[] = [];
    const pools: number[] = [];
    const end = client.onSecretChange('databaseUrl', (value) => void seen.push(value));
    client.onSecretChange('pool', ({ size }) => void pools.push(size));
    const rotated = 'postgres://user:hunter3@db.example:5432/shop';
    const set = (revision: string, key: string, value: Ruleset['secret'][string]): void =>
      sink.patch({ revision, changes: [{ tier: 'secret', key, value }] });
    set('2', 'databaseUrl', rotated);
    set('3', 'databaseUrl', 'hunter4 is no url');
    set('4', 'databaseUrl', rotated);
    set('5', 'pool', { size: 4 });
    sink.patch({ revision: '6', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    end();
    set('7', 'databaseUrl', databaseUrl);
    expect(seen).toEqual([rotated]);
    expect(pools).toEqual([4]);
    expect(JSON.stringify(events)).not.toContain('hunter');
  });

  it('tells values of a class apart, and hears no rotation in one that comes back', async () => {
    const { client, sink } = await readyClient();
    const seen: string[] = [];
    let revision = 1;
    const set = (value: string): void => {
      revision += 1;
      sink.patch({ revision: String(revision), changes: [{ tier: 'secret', key: 'webhook', value }] });
    };
    set('https://one.example');
    client.onSecretChange('webhook', (url) => void seen.push(url?.host ?? ''));
    set('https://two.example');
    set('no url');
    set('https://two.example');
    set('https://three.example');
    expect(seen).toEqual(['two.example', 'three.example']);
  });

  it('is of secrets only, and a listener that rejects is told of', async () => {
    const { client, sink, events } = await readyClient();
    // @ts-expect-error a flag is no secret
    expect(() => client.onSecretChange('newCheckout', () => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_UNKNOWN' }),
    );
    client.onSecretChange('databaseUrl', () => Promise.reject(new Error('no pool')));
    sink.patch({
      revision: '2',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'https://new.example' }],
    });
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('listener-error'));
  });
});

describe('changes', () => {
  it('that a listener brings about are heard of by all in their order', async () => {
    const { client, sink } = await readyClient();
    const seen: string[] = [];
    client.subscribe(({ revision }) => {
      if (revision === '2') sink.replace(ruleset({ revision: '3', public: { title: 'Three' } }));
    });
    client.subscribe(({ revision }) => seen.push(revision));
    sink.replace(ruleset({ revision: '2', public: { title: 'Two' } }));
    expect(seen).toEqual(['2', '3']);
  });

  it('with a fault are told of once, not with each change that follows', async () => {
    const { sink, events } = await readyClient();
    sink.patch({ revision: '2', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: 'yes' }] });
    sink.patch({ revision: '3', changes: [{ tier: 'public', key: 'title', value: 'Other' }] });
    sink.patch({ revision: '4', changes: [{ tier: 'public', key: 'title', value: 'Another' }] });
    expect(events.filter(({ type }) => type === 'invalid')).toHaveLength(1);
  });
});

describe('telemetry', () => {
  it('counts reads by tier and source, and reports changes by name', async () => {
    const counts = new Map<string, number>();
    const spans: unknown[] = [];
    const meter = {
      createCounter: (name: string) => ({
        add: (value: number, attributes: Record<string, unknown> = {}) => {
          const label = [name, ...Object.values(attributes)].join(' ');
          counts.set(label, (counts.get(label) ?? 0) + value);
        },
      }),
      createHistogram: () => ({ record: () => undefined }),
    };
    const tracer = {
      startSpan: (name: string) => ({
        setStatus: () => undefined,
        setAttribute: () => undefined,
        addEvent: (event: string, attributes: unknown) => spans.push([name, event, attributes]),
        end: () => undefined,
      }),
    };
    const { client, sink } = await readyClient({ telemetry: { meter, tracer } });
    client.flag('newCheckout');
    client.flagDetails('newCheckout');
    client.secret('databaseUrl');
    client.public('title');
    sink.patch({
      revision: '2',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'https://new.example' }],
    });
    expect(Object.fromEntries(counts)).toMatchObject({
      'smooai.config.reads feature_flag default': 2,
      'smooai.config.reads secret server': 1,
      'smooai.config.reads public default': 1,
      'smooai.config.changes': 2,
    });
    expect(spans).toContainEqual([
      'config change',
      'smooai.config.changed',
      { 'smooai.config.revision': '2', 'smooai.config.keys': ['databaseUrl'] },
    ]);
    expect(JSON.stringify([...counts, ...spans])).not.toMatch(/hunter|new\.example/);
  });
});

describe('spans', () => {
  it('tell of each fetch its method, host, path and status, and nothing else of it', async () => {
    const server = await startLoopbackServer(({ url, headers }, response) => {
      response.setHeader('content-type', 'application/json');
      if (url === '/token') {
        response.end(
          JSON.stringify({ access_token: 'token-of-the-test', token_type: 'Bearer', expires_in: 60 }),
        );
      } else if (headers.accept === 'text/event-stream') {
        response.writeHead(503).end('{}');
      } else {
        response.end(JSON.stringify(ruleset()));
      }
    });
    const spans: { name: string; attributes: Record<string, unknown>; status?: number }[] = [];
    const tracer = {
      startSpan: (name: string, { attributes = {} }: { attributes?: Record<string, unknown> } = {}) => {
        const span: (typeof spans)[number] = { name, attributes: { ...attributes } };
        spans.push(span);
        return {
          setStatus: ({ code }: { code: number }) => {
            span.status = code;
          },
          setAttribute: (key: string, value: unknown) => {
            span.attributes[key] = value;
          },
          addEvent: () => undefined,
          end: () => undefined,
        };
      },
    };
    const client = createConfigClient({
      config,
      apiUrl: server.url,
      authUrl: server.url,
      clientId: 'client-of-the-test',
      clientSecret: 'secret-of-the-test',
      organizationId: 'org-1',
      environment: 'production',
      telemetry: { tracer },
    });
    await client.ready();
    expect(client.health().token).toMatchObject({ token: 'fresh', attempts: { succeeded: 1 } });
    await vi.waitFor(() => expect(spans.some(({ status }) => status === 2)).toBe(true));
    await client.close();
    await server.close();
    const fetches = spans.filter(({ name }) => name === 'config fetch');
    const { host } = new URL(server.url);
    expect(fetches.slice(0, 2).map(({ attributes }) => attributes)).toEqual([
      {
        'http.request.method': 'POST',
        'server.address': host,
        'url.path': '/token',
        'http.response.status_code': 200,
      },
      {
        'http.request.method': 'GET',
        'server.address': host,
        'url.path': expect.stringContaining('/ruleset'),
        'http.response.status_code': 200,
      },
    ]);
    expect(spans.map(({ name }) => name)).toContain('token exchange');
    expect(JSON.stringify(spans)).not.toMatch(/of-the-test|hunter/);
  });
});

describe('a test client', () => {
  const values = { secrets: { databaseUrl } };

  it('overrides values until the block ends, in any order of the ends', () => {
    const client = createTestClient({ config, ...values });
    const changes: string[][] = [];
    client.subscribe(({ keys }) => changes.push([...keys]));
    {
      using _ = client.override({ flags: { newCheckout: true } });
      expect(client.flag('newCheckout')).toBe(true);
    }
    expect(client.flag('newCheckout')).toBe(false);
    expect(changes).toEqual([['newCheckout'], ['newCheckout']]);
    const one = client.override({ public: { title: 'One' } });
    const two = client.override({ public: { title: 'Two' } });
    client.set({ public: { title: 'Stored' } });
    one[Symbol.dispose]();
    expect(client.public('title')).toBe('Two');
    two[Symbol.dispose]();
    two[Symbol.dispose]();
    expect(client.public('title')).toBe('Stored');
  });

  it('overrides values while a function runs, asynchronous or not, also where it fails', async () => {
    const client = createTestClient({ config, ...values });
    const read = (): boolean => client.flag('newCheckout');
    const on = { flags: { newCheckout: true } };
    expect(client.override(on, read)).toBe(true);
    const later = client.override(on, async () => {
      await Promise.resolve();
      return read();
    });
    expect(await later).toBe(true);
    expect(() =>
      client.override(on, () => {
        throw new Error('failed');
      }),
    ).toThrow('failed');
    await expect(client.override(on, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
    expect(read()).toBe(false);
  });

  it('reads no variable of the machine', () => {
    vi.stubEnv('TITLE', 'from the machine');
    expect(createTestClient({ config, ...values }).public('title')).toBe('Shop');
    vi.unstubAllEnvs();
  });
});
