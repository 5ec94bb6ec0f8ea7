import { getEventListeners } from 'node:events';
import { connect } from 'node:net';
import Fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { EventStream, type StreamContext, toStreamEvent } from './event-stream.ts';
import { HttpError } from './http-error.ts';
import { OpenStreams } from './open-streams.ts';

/** A server with one stream per request to `/`, which is handed to the test. */
async function setUp(options: { streams?: StreamContext['streams'] } = {}) {
  const closing = new AbortController();
  const streams: EventStream[] = [];
  const lost: (() => void)[] = [];
  const app = Fastify({ forceCloseConnections: true });
  const openStreams = new OpenStreams({
    closing: closing.signal,
    heartbeatMs: options.streams?.heartbeatMs,
  });
  const context: StreamContext = {
    closing: closing.signal,
    openStreams,
    onAccessLost: (_principal, listener) => {
      lost.push(listener);
      return () => void lost.splice(lost.indexOf(listener), 1);
    },
    ...(options.streams && { streams: options.streams }),
  };
  app.addHook('onRequest', async (request) => {
    request.principal = { clientId: 'a' } as never;
  });
  app.get('/', async (request, reply) => {
    const stream = new EventStream(request, reply, context);
    streams.push(stream);
    stream.open();
    stream.begin([toStreamEvent({ id: '1', event: 'first', data: '{}' })]);
  });
  app.get('/gone', async (request, reply) => {
    // The client leaves while its credential is checked.
    const closed = new Promise((resolve) => reply.raw.once('close', resolve));
    request.raw.socket.destroy();
    await closed;
    const stream = new EventStream(request, reply, context);
    streams.push(stream);
    stream.open();
    stream.begin([toStreamEvent({ id: '1', event: 'first', data: '{}' })]);
  });
  app.get('/refused', async (request, reply) => {
    new EventStream(request, reply, context);
    throw new HttpError(418, 'No.');
  });
  app.get('/late', async (request, reply) => {
    const stream = new EventStream(request, reply, context);
    stream.end();
    stream.open();
    stream.begin([toStreamEvent({ id: '1', event: 'first', data: 'sk_hidden' })]);
    stream.send(toStreamEvent({ id: '2', event: 'second', data: 'sk_hidden' }));
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  const open = () => openStreams.size;
  const listeners = () => getEventListeners(closing.signal, 'abort').length;
  const connections = () =>
    new Promise<number>((resolve, reject) => {
      app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  return { url, closing, streams, lost, open, listeners, connections };
}

it('leaves nothing behind when its client disconnects before the stream exists', async () => {
  const { url, streams, open, lost } = await setUp();
  await expect(fetch(`${url}/gone`)).rejects.toThrow();
  await expect.poll(() => streams.length).toBe(1);
  expect(streams[0]?.isOpen).toBe(false);
  expect([open(), lost.length]).toEqual([0, 0]);
});

it('leaves no listener on its caller when its client disconnects, and shares the one on the closing signal', async () => {
  const { url, open, listeners, lost } = await setUp();
  const abort = new AbortController();
  const responses = await Promise.all(Array.from({ length: 4 }, () => fetch(url, { signal: abort.signal })));
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect([open(), listeners(), lost.length]).toEqual([4, 1, 4]);
  abort.abort();
  await expect.poll(() => [open(), lost.length]).toEqual([0, 0]);
  expect(listeners()).toBe(1);
});

it('leaves none when the route refuses, or when it ends by itself', async () => {
  const { url, open, lost, streams } = await setUp();
  expect((await fetch(`${url}/refused`)).status).toBe(418);
  await expect.poll(() => [open(), lost.length]).toEqual([0, 0]);
  const response = await fetch(url);
  streams[0]?.end();
  streams[0]?.end();
  expect(await response.text()).toBe('id: 1\nevent: first\ndata: {}\n\n');
  expect([open(), lost.length]).toEqual([0, 0]);
});

it('ends when its caller loses access, and runs each cleanup once, also one that is added late', async () => {
  const { url, lost, streams } = await setUp();
  const response = await fetch(url);
  const [stream] = streams;
  let cleanups = 0;
  stream?.onEnd(() => (cleanups += 1));
  lost[0]?.();
  await response.text();
  expect([stream?.isOpen, cleanups]).toEqual([false, 1]);
  stream?.onEnd(() => (cleanups += 1));
  stream?.end();
  expect(cleanups).toBe(2);
});

it('that ended before it opened sends no event', async () => {
  const { url } = await setUp();
  const response = await fetch(`${url}/late`);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(await response.text()).toBe('');
});

it('ends all streams when the server closes, and refuses new ones', async () => {
  const { url, closing, open } = await setUp();
  const responses = await Promise.all([fetch(url), fetch(url)]);
  closing.abort();
  for (const response of responses) expect(await response.text()).toContain('first');
  expect(open()).toBe(0);
  expect((await fetch(url)).status).toBe(503);
  expect(open()).toBe(0);
});

it('is cut off when the server closes and its client does not read', async () => {
  const { url, closing, streams, connections } = await setUp();
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect.poll(() => streams.length).toBe(1);
  // More than the buffers of both ends hold.
  const data = JSON.stringify('x'.repeat(30_000_000));
  streams[0]?.begin([toStreamEvent({ id: '2', event: 'large', data })]);
  closing.abort();
  expect(await connections()).toBe(1);
  await expect.poll(connections).toBe(0);
});

it('sends heartbeats only while it is open', async () => {
  const ping = ':\nevent: ping\ndata:\n\n';
  const { url, streams } = await setUp({ streams: { heartbeatMs: 5 } });
  const response = await fetch(url);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(ping + ping)) text += (await reader?.read())?.value ?? '';
  streams[0]?.end();
  let rest = '';
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    rest += next.value;
  }
  expect(rest.replaceAll(ping, '')).toBe('');
});

it('does not count its first events, however large, towards what may wait', async () => {
  const { url, streams } = await setUp({ streams: { maxWaitingBytes: 10 } });
  const response = await fetch(url);
  const data = JSON.stringify('x'.repeat(5_000_000));
  streams[0]?.begin(['2', '3', '4'].map((id) => toStreamEvent({ id, event: 'large', data })));
  expect(streams[0]?.isOpen).toBe(true);
  const reading = response.text();
  await new Promise((resolve) => setTimeout(resolve, 50));
  streams[0]?.end();
  expect((await reading).length).toBeGreaterThan(15_000_000);
});
