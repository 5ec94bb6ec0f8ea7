import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Connections } from './connections.ts';

/** A server that never finishes a response. */
async function startHanging() {
  const server = createServer((_request, response) => {
    response.writeHead(200).write('the first part');
  });
  const connections = new Connections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { connections, port: (server.address() as AddressInfo).port };
}

it('drain() closes a connection with a running request at the deadline, not before', async () => {
  const { connections, port } = await startHanging();
  const request = get({ port, host: '127.0.0.1' });
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('The server did not respond.');
  for (const side of [request, response]) side.on('error', () => undefined);
  const ended = new Promise((resolve) => response.once('close', resolve));
  response.resume();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const stop = connections.drain(5_000);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(response.closed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await ended;
  stop();
});

it('drain() has no timer after it was stopped', async () => {
  const { connections } = await startHanging();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const stop = connections.drain(5_000);
  expect(vi.getTimerCount()).toBe(2);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});
