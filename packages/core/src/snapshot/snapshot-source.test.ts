import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventSource } from 'eventsource';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Snapshot } from '../wire.ts';
import { createSnapshotSource } from './snapshot-source.ts';
import { SnapshotStore } from './snapshot-store.ts';

const soon = { timeout: 10_000, interval: 5 };
const snapshot: Snapshot = {
  revision: '5',
  public: {},
  flags: { newCheckout: { value: false, source: 'raw' } },
  limits: {},
};
const flipped = { revision: '6', flags: { newCheckout: { value: true, source: 'raw' } } };

/** A server of event streams that a test controls. */
class StreamServer {
  readonly requests: IncomingMessage[] = [];
  readonly open = new Set<ServerResponse>();
  /** Statuses of the next responses; 200 if it is empty. */
  readonly statuses: number[] = [];
  readonly #server: Server = createServer((request, response) => {
    this.requests.push(request);
    const status = this.statuses.shift() ?? 200;
    response.writeHead(status, { 'content-type': status === 200 ? 'text/event-stream' : 'application/json' });
    if (status !== 200) {
      response.end('{}');
      return;
    }
    // Makes the browser reconnect quickly after a lost connection.
    response.write('retry: 10\n\n');
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
    vi.stubGlobal('EventSource', EventSource);
    server = new StreamServer();
    url = await server.listen();
  });
  afterEach(async () => {
    disconnect();
    vi.unstubAllGlobals();
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

  it('reconnects after HTTP errors, after which an EventSource itself does not', async () => {
    server.statuses.push(401, 503, 500);
    const store = new SnapshotStore(snapshot);
    connect(store);
    await until(() => expect(store.status).toBe('reconnecting'));
    await connected();
    expect(server.requests).toHaveLength(4);
    server.send('snapshot', { ...snapshot, ...flipped });
    await until(() => expect(store.status).toBe('live'));
  });

  it('waits longer after each HTTP error, up to 30 seconds, and resets after a success', () => {
    vi.useFakeTimers();
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    class Refused extends EventTarget {
      static last: Refused;
      readyState = 2;
      onerror: () => void = () => {};
      constructor() {
        super();
        Refused.last = this;
      }
      close(): void {}
    }
    vi.stubGlobal('EventSource', Refused);
    try {
      const disconnectRefused = createSnapshotSource({ url }).connect(new SnapshotStore());
      for (let attempt = 0; attempt < 8; attempt++) {
        Refused.last.onerror();
        vi.advanceTimersByTime(30_000);
      }
      const waits = timeout.mock.calls.map(([, wait]) => wait);
      expect(waits).toHaveLength(8);
      waits.forEach((wait, attempt) => {
        const longest = Math.min(30_000, 1000 * 2 ** attempt);
        expect(wait).toBeGreaterThanOrEqual(longest / 2);
        expect(wait).toBeLessThanOrEqual(longest);
      });
      Refused.last.dispatchEvent(new MessageEvent('snapshot', { data: JSON.stringify(snapshot) }));
      Refused.last.onerror();
      expect(timeout.mock.lastCall?.[1]).toBeLessThanOrEqual(1000);
      disconnectRefused();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
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

  it('does nothing without a global EventSource', () => {
    vi.stubGlobal('EventSource', undefined);
    const store = new SnapshotStore(snapshot, 'connecting');
    createSnapshotSource({ url }).connect(store)();
    expect(store.status).toBe('offline');
    expect(server.requests).toHaveLength(0);
  });

  it('builds the URL of the config server for any context', async () => {
    const context = { country: 'NL', name: 'Zoë ✓ ???>>>', userId: 'u&1' };
    disconnect = createSnapshotSource({
      apiUrl: `${url}//`,
      organizationId: 'org 1/2',
      environment: 'production',
      publishableKey: 'pk_a+b',
      context,
    }).connect(new SnapshotStore());
    await connected();
    const requested = new URL(server.requests[0]?.url ?? '', url);
    expect(requested.pathname).toBe('/organizations/org%201%2F2/config/snapshot/stream');
    expect(requested.searchParams.get('environment')).toBe('production');
    expect(requested.searchParams.get('key')).toBe('pk_a+b');
    const encoded = requested.searchParams.get('context') ?? '';
    expect(encoded).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))).toEqual(context);
  });
});
