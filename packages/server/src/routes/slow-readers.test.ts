import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type Shop, startShop } from '../test-support/shop-server.ts';

const SNAPSHOTS = '/snapshot/stream?environment=development';

/** A snapshot stream that is not read after its first event until `resume` is called. */
async function openPaused(shop: Shop) {
  const { hostname, port, host } = new URL(shop.server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  let isClosed = false;
  socket.setEncoding('utf8');
  socket.on('close', () => {
    isClosed = true;
  });
  const first = new Promise<void>((resolve) => {
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('event: snapshot')) resolve();
    });
  });
  socket.write(
    `GET /organizations/${shop.server.organizationId}/config${SNAPSHOTS} HTTP/1.1\r\nHost: ${host}\r\n` +
      `Authorization: Bearer ${shop.token}\r\n\r\n`,
  );
  await first;
  socket.pause();
  return { resume: () => socket.resume(), text: () => text, isClosed: () => isClosed };
}

it('a snapshot stream that is read slowly gets what it missed as few patches, and is not disconnected', async () => {
  const shop = await startShop({ streams: { maxWaitingBytes: 300_000, stalledMs: 600_000 } });
  const slow = await openPaused(shop);
  const writes = 60;
  // 12 MB in all: far more than the buffers of a connection and the stream hold.
  for (let count = 1; count <= writes; count += 1) {
    await shop.set('supportEmail', `${count}:${'x'.repeat(200_000)}`);
  }
  await shop.set('banner', 'the end');
  slow.resume();
  await expect.poll(slow.text).toContain('the end');
  expect(slow.text()).toContain(`"supportEmail":"${writes}:`);
  expect(slow.text().split('event: patch').length).toBeLessThan(writes);
  expect(slow.isClosed()).toBe(false);
});
