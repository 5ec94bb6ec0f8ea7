import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConfigContext } from '../schema/config-types.ts';
import type { Snapshot } from '../wire.ts';
import '../test-support/event-source.ts';
import { until as reached } from '../test-support/until.ts';
import { createSnapshotSource } from './snapshot-source.ts';
import { SnapshotStore } from './snapshot-store.ts';

const soon = { timeout: 30_000, interval: 5 };
const snapshot: Snapshot = {
  revision: '5',
  public: {},
  flags: { newCheckout: { value: false, source: 'raw' } },
  limits: {},
};
const flipped = { revision: '6', flags: { newCheckout: { value: true, source: 'raw' } } };

/** A server of event streams that a test controls. */
class StreamServer {
  /** Requests for a stream, without those that ask why it was refused. */
  readonly requests: IncomingMessage[] = [];
  readonly open = new Set<ServerResponse>();
  /** Statuses of the next responses; 200 if it is empty. */
  readonly statuses: number[] = [];
  /** Body and headers of responses that are not streams. */
  refusal: { body: unknown; headers?: Record<string, string> } = { body: {} };
  #status = 200;
  readonly #server: Server = createServer((request, response) => {
    if (request.headers.accept === 'text/event-stream') {
      this.requests.push(request);
      this.#status = this.statuses.shift() ?? 200;
    }
    const status = this.#status;
    if (status !== 200) {
      response.writeHead(status, { 'content-type': 'application/json', ...this.refusal.headers });
      response.end(JSON.stringify(this.refusal.body));
      return;
    }
    response.writeHead(status, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
  });

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(event: string, data: unknown): void {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    for (const response of this.open) response.write(`event: ${event}\ndata: ${text}\n\n`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

describe('createSnapshotSource', () => {
  let server: StreamServer;
  let url: string;
  let disconnect: () => void = () => {};

  beforeEach(async () => {
    server = new StreamServer();
    url = await server.listen();
  });
  afterEach(async () => {
    disconnect();
    await server.close();
  });

  const connect = (store: SnapshotStore): void => {
    disconnect = createSnapshotSource({ url, retryMs: 5 }).connect(store);
  };
  const connected = (): Promise<void> => vi.waitFor(() => expect(server.open.size).toBe(1), soon);
  const until = (check: () => void): Promise<void> => vi.waitFor(check, soon);

  it('becomes live with the first snapshot and applies patches', async () => {
    const store = new SnapshotStore();
    connect(store);
    expect(store.status).toBe('connecting');
    await connected();
    server.send('snapshot', snapshot);
    await until(() => expect(store.status).toBe('live'));
    server.send('patch', flipped);
    await until(() => expect(store.value('flags', 'newCheckout')).toBe(true));
  });

  it('ignores malformed events of every kind', async () => {
    const store = new SnapshotStore();
    connect(store);
    await connected();
    server.send('snapshot', snapshot);
    for (const event of ['snapshot', 'patch']) {
      for (const data of [
        'not json',
        'null',
        '[]',
        '"text"',
        '{}',
        { revision: 7, public: {}, flags: {}, limits: {} },
        { revision: '7', flags: [] },
        { revision: '7', flags: { newCheckout: null } },
        { revision: '7', public: 'x' },
        { revision: '7', deleted: { flags: 'newCheckout' } },
      ]) {
        server.send(event, data);
      }
    }
    server.send('snapshot', { revision: '8', public: {}, flags: {} });
    server.send('patch', { revision: '9', limits: { last: { value: 1, source: 'raw' } } });
    await until(() => expect(store.value('limits', 'last')).toBe(1));
    expect(store.value('flags', 'newCheckout')).toBe(false);
    expect(store.status).toBe('live');
  });

  it('reconnects after a lost connection, keeps the values meanwhile, and then applies the new snapshot', async () => {
    const store = new SnapshotStore();
    const statuses: string[] = [];
    store.subscribeStatus(() => statuses.push(store.status));
    connect(store);
    await connected();
    server.send('snapshot', snapshot);
    await until(() => expect(store.status).toBe('live'));
    for (const response of server.open) response.destroy();
    await until(() => expect(statuses).toContain('reconnecting'));
    expect(store.value('flags', 'newCheckout')).toBe(false);
    await until(() => expect(server.requests).toHaveLength(2));
    await connected();
    server.send('snapshot', { ...snapshot, ...flipped, revision: '1' });
    await until(() => expect(store.status).toBe('live'));
    expect(store.value('flags', 'newCheckout')).toBe(true);
  });

  it('reconnects after HTTP errors that pass, as after a lost connection', async () => {
    server.statuses.push(408, 429, 503, 500);
    const store = new SnapshotStore(snapshot);
    const statuses: string[] = [];
    store.subscribeStatus(() => statuses.push(store.status));
    connect(store);
    await connected();
    expect(server.requests).toHaveLength(5);
    expect(statuses).toEqual(['connecting', 'reconnecting']);
    server.send('snapshot', { ...snapshot, ...flipped });
    await until(() => expect(store.status).toBe('live'));
  });

  it.each([400, 401, 403, 404])(
    'has the reason of a refusal with %i, and is live once it is mended',
    async (status) => {
      server.statuses.push(status);
      server.refusal = { body: { message: 'This key does not allow the origin.', cause: 'Add the origin.' } };
      const store = new SnapshotStore(snapshot);
      const refusals: unknown[] = [];
      store.subscribeStatus(() => refusals.push(store.refusal));
      connect(store);
      await connected();
      const refusal = { status, message: 'This key does not allow the origin. Add the origin.' };
      expect(refusals).toEqual([undefined, refusal]);
      expect(store.status).toBe('refused');
      server.send('snapshot', snapshot);
      await until(() => expect([store.status, store.refusal]).toEqual(['live', undefined]));
    },
  );

  it('is refused by a URL that returns a page instead of a stream', async () => {
    const page = createServer((_, response) => response.end('<!doctype html>'));
    await new Promise<void>((done) => page.listen(0, '127.0.0.1', done));
    const { port } = page.address() as AddressInfo;
    const store = new SnapshotStore();
    disconnect = createSnapshotSource({ url: `http://127.0.0.1:${port}` }).connect(store);
    await until(() => expect(store.refusal?.status).toBe(200));
    disconnect();
    page.closeAllConnections();
    page.close();
  });

  it('replaces a connection that is silent, and keeps one with pings', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    const waits = (): number => timers.mock.calls.filter(([, ms]) => ms === 3_000).length;
    const store = new SnapshotStore();
    disconnect = createSnapshotSource({ url, silenceTimeoutMs: 3_000 }).connect(store);
    await reached(() => server.open.size === 1);
    server.send('snapshot', snapshot);
    await reached(() => store.status === 'live');
    for (let beat = 0; beat < 10; beat++) {
      const before = waits();
      server.send('ping', '');
      await reached(() => waits() > before);
      vi.advanceTimersByTime(2_000);
    }
    expect(server.requests).toHaveLength(1);
    expect(store.status).toBe('live');
    vi.advanceTimersByTime(1_000);
    await reached(() => store.status === 'reconnecting');
    vi.advanceTimersByTime(1_000);
    await reached(() => server.requests.length > 1);
  });

  it('waits longer after each failure, up to 30 seconds, resets after a success, and obeys Retry-After', async () => {
    vi.useFakeTimers();
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    const responses: Response[] = [];
    vi.stubGlobal('fetch', async () => responses.shift() ?? new Response('{}', { status: 503 }));
    try {
      const disconnectRefused = createSnapshotSource({ url }).connect(new SnapshotStore());
      const waits: number[] = [];
      const nextWait = async (): Promise<void> => {
        timeout.mockClear();
        await vi.advanceTimersToNextTimerAsync();
        // The turn before the request for the reason of a failure.
        await vi.advanceTimersByTimeAsync(0);
        await vi.advanceTimersByTimeAsync(0);
        waits.push(Number(timeout.mock.lastCall?.[1]));
      };
      await nextWait();
      for (let attempt = 1; attempt < 8; attempt++) await nextWait();
      waits.forEach((wait, attempt) => {
        const longest = Math.min(30_000, 1000 * 2 ** attempt);
        expect(wait).toBeGreaterThanOrEqual(longest / 2);
        expect(wait).toBeLessThanOrEqual(longest);
      });
      const event = `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`;
      responses.push(new Response(event, { headers: { 'content-type': 'text/event-stream' } }));
      await nextWait();
      expect(waits.at(-1)).toBeLessThanOrEqual(1000);
      // For the stream, and for the request that asks why it was refused.
      for (let count = 0; count < 2; count++)
        responses.push(new Response('{}', { status: 429, headers: { 'retry-after': '20' } }));
      await nextWait();
      // The wait after a second failure is added, because the server asks all pages to wait for the same time.
      expect(waits.at(-1)).toBeGreaterThanOrEqual(21_000);
      expect(waits.at(-1)).toBeLessThanOrEqual(22_000);
      disconnectRefused();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.unstubAllGlobals();
      timeout.mockRestore();
      vi.useRealTimers();
    }
  });

  it('closes the connection on disconnect, also while it waits to reconnect', async () => {
    const store = new SnapshotStore();
    connect(store);
    await connected();
    server.send('snapshot', snapshot);
    await until(() => expect(store.status).toBe('live'));
    disconnect();
    expect(store.status).toBe('offline');
    await until(() => expect(server.open.size).toBe(0));

    server.statuses.push(503);
    const disconnectAgain = createSnapshotSource({ url, retryMs: 10 }).connect(store);
    store.subscribeStatus(() => {
      if (store.status === 'reconnecting') disconnectAgain();
    });
    await until(() => expect(store.status).toBe('offline'));
    await new Promise((done) => setTimeout(done, 50));
    expect(server.requests).toHaveLength(2);
  });

  it('can be connected, disconnected and connected again, as StrictMode does', async () => {
    const store = new SnapshotStore();
    const source = createSnapshotSource({ url });
    source.connect(store)();
    disconnect = source.connect(store);
    await connected();
    server.send('snapshot', snapshot);
    await until(() => expect(store.status).toBe('live'));
    expect(server.open.size).toBe(1);
  });

  it('sends no message to other tabs once a listener has disconnected it', async () => {
    const post = vi.spyOn(BroadcastChannel.prototype, 'postMessage');
    try {
      server.statuses.push(503);
      const store = new SnapshotStore();
      const leave = createSnapshotSource({ url }).connect(store);
      store.subscribeStatus(() => {
        if (store.status === 'reconnecting') leave();
      });
      await until(() => expect(store.status).toBe('offline'));
      await new Promise((done) => setImmediate(done));
      expect(post.mock.results.filter(({ type }) => type === 'throw')).toEqual([]);
    } finally {
      post.mockRestore();
    }
  });

  it('builds the URL of the config server for any context', async () => {
    const context = { country: 'NL', name: 'Zoë ✓ ???>>>', userId: 'u&1' };
    disconnect = createSnapshotSource({
      apiUrl: `${url}//`,
      organizationId: 'org 1/2',
      environment: 'production',
      publishableKey: 'pk_a+b',
    }).connect(new SnapshotStore(), context);
    await connected();
    const requested = new URL(server.requests[0]?.url ?? '', url);
    expect(requested.pathname).toBe('/organizations/org%201%2F2/config/snapshot/stream');
    expect(requested.searchParams.get('environment')).toBe('production');
    expect(requested.searchParams.get('key')).toBe('pk_a+b');
    const encoded = requested.searchParams.get('context') ?? '';
    expect(encoded).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))).toEqual(context);
  });

  it('does not throw for a setting that the build left undefined: the refusal says what is wrong', () => {
    const settings = { organizationId: 'o', environment: 'e', publishableKey: 'pk' };
    const source = createSnapshotSource({ ...settings, apiUrl: undefined as never });
    expect(source.id?.()).toMatch(/^undefined\/organizations\/o\//);
  });

  it('has the same URL for equal contexts, and lets a URL depend on the context', async () => {
    const settings = { apiUrl: url, organizationId: 'o', environment: 'e', publishableKey: 'pk' };
    const source = createSnapshotSource(settings);
    const own = createSnapshotSource({ url: ({ country }) => `${url}/own?${String(country)}` });
    // One after the other, because equal streams would share one connection.
    const connections: [typeof source, ConfigContext][] = [
      [source, { b: { d: 1, c: [2] }, a: 'x' }],
      [source, { a: 'x', b: { c: [2], d: 1 } }],
      [own, { country: 'NL' }],
    ];
    for (const [index, [from, context]] of connections.entries()) {
      const disconnect = from.connect(new SnapshotStore(), context);
      await until(() => expect(server.requests).toHaveLength(index + 1));
      disconnect();
    }
    const [first, second, third] = server.requests.map((request) => request.url);
    expect(first).toBe(second);
    expect(third).toBe('/own?NL');
  });
});
