import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '../test-support/event-source.ts';
import { createSnapshotSource } from './snapshot-source.ts';
import { SnapshotStore } from './snapshot-store.ts';

let server: Server;
let url: string;
let snapshots: number;
let status: number;
let newCheckout: boolean;
const streams = new Set<ServerResponse>();
const disconnects: (() => void)[] = [];

beforeEach(async () => {
  snapshots = 0;
  newCheckout = false;
  status = 200;
  server = createServer((_, response) => {
    if (status !== 200) {
      response.writeHead(status).end();
      return;
    }
    snapshots += 1;
    streams.add(response);
    response.once('close', () => streams.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: snapshot\ndata: ${JSON.stringify({ ...patch(), public: {}, limits: {} })}\n\n`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const disconnect of disconnects.splice(0)) disconnect();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const patch = () => ({ revision: '1', flags: { newCheckout: { value: newCheckout, source: 'raw' } } });

/** Changes the value, and sends it to the open streams. */
function change(): void {
  newCheckout = !newCheckout;
  for (const stream of streams) stream.write(`event: patch\ndata: ${JSON.stringify(patch())}\n\n`);
}

/** Opens what is a tab to the others: they only share a channel. Resolves once it is live. */
async function openTab(): Promise<{ store: SnapshotStore; close: () => void }> {
  const store = new SnapshotStore();
  const close = createSnapshotSource({ url, retryMs: 5 }).connect(store);
  disconnects.push(close);
  await vi.waitFor(() => expect(store.status).toBe('live'), { timeout: 30_000 });
  return { store, close };
}

const allShow = (tabs: { store: SnapshotStore }[]): Promise<void> =>
  vi.waitFor(
    () => {
      const shown = tabs.map(({ store }) => [store.value('flags', 'newCheckout'), store.status]);
      expect(shown).toEqual(tabs.map(() => [newCheckout, 'live']));
    },
    { timeout: 30_000 },
  );
const oneStream = (): Promise<void> => expect.poll(() => streams.size).toBe(1);

it('has one stream for all tabs, that of the newest one', async () => {
  const tabs = [await openTab(), await openTab(), await openTab()];
  await oneStream();
  change();
  await allShow(tabs);
  expect(snapshots).toBe(3);
});

it('passes the lead on when the leading tab leaves, and loses no change in between', async () => {
  const tabs = [await openTab(), await openTab()];
  await oneStream();
  const statuses: string[] = [];
  tabs[0]?.store.subscribeStatus(() => statuses.push(tabs[0]?.store.status ?? ''));
  tabs.pop()?.close();
  change();
  await allShow(tabs);
  await oneStream();
  change();
  await allShow(tabs);
  // The values are current all the time, as far as the page can know.
  expect(statuses).toEqual([]);
});

it('tells the other tabs that the connection is lost, and gives them what the new one brings', async () => {
  const tabs = [await openTab(), await openTab()];
  await oneStream();
  const statuses: string[] = [];
  tabs[0]?.store.subscribeStatus(() => statuses.push(tabs[0]?.store.status ?? ''));
  newCheckout = true;
  for (const stream of streams) stream.destroy();
  await allShow(tabs);
  await expect.poll(() => statuses).toEqual(['reconnecting', 'live']);
  await oneStream();
});

it('does not give way to a tab that cannot connect', async () => {
  const tab = await openTab();
  const statuses: string[] = [];
  tab.store.subscribeStatus(() => statuses.push(tab.store.status));
  status = 503;
  const late = new SnapshotStore();
  disconnects.push(createSnapshotSource({ url, retryMs: 5 }).connect(late));
  await expect.poll(() => late.status).toBe('reconnecting');
  change();
  await allShow([tab]);
  expect(statuses).toEqual([]);
  status = 200;
  await allShow([tab, { store: late }]);
  await oneStream();
});

it('shares nothing with a tab that has left', async () => {
  const [left, other] = [await openTab(), await openTab()];
  left.close();
  change();
  await allShow([other]);
  expect([left.store.value('flags', 'newCheckout'), left.store.status]).toEqual([false, 'offline']);
});
