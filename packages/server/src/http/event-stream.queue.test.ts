import { EventEmitter } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, type Mock, vi } from 'vitest';
import { EventStream, type StreamOptions, toStreamEvent } from './event-stream.ts';
import { OpenStreams } from './open-streams.ts';

const PIECE = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

/** A response whose socket takes what the test lets it take. */
class FakeResponse extends EventEmitter {
  readonly written: Buffer[] = [];
  readonly headers: Record<string, unknown> = {};
  socket: { setNoDelay: Mock } | null = { setNoDelay: vi.fn() };
  readonly flushHeaders = vi.fn();
  hasRoom = true;
  closed = false;
  /** Whether its "close" event comes at once. */
  closesAtOnce = true;
  writableFinished = false;
  writableLength = 0;
  ended = 0;
  status: number | undefined;

  setHeader(name: string, value: unknown): void {
    this.headers[name] = value;
  }

  writeHead(status: number, headers: Record<string, unknown>): void {
    this.status = status;
    Object.assign(this.headers, headers);
  }

  write(piece: Uint8Array): boolean {
    this.written.push(Buffer.from(piece));
    return this.hasRoom;
  }

  end(): void {
    this.ended += 1;
  }

  destroy(): void {
    this.closed = true;
    if (this.closesAtOnce) this.emit('close');
  }

  /** The socket takes everything, and is full again after the next piece unless it has `room`. */
  drain(room = true): void {
    this.hasRoom = room;
    this.emit('drain');
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

function setUp(
  streams?: StreamOptions,
  principal: object | null = { clientId: 'a' },
  closing = new AbortController(),
) {
  const response = new FakeResponse();
  const info = vi.fn();
  const lost = vi.fn();
  const onAccessLost = vi.fn(() => lost);
  const reply = {
    raw: response,
    hijack: vi.fn(),
    getHeaders: () => ({ 'x-of-a-hook': 'a', 'x-absent': undefined }),
  };
  const raw = { headers: { authorization: 'Bearer a' }, rawHeaders: ['Authorization', 'Bearer a'] };
  const request = { ...(principal && { principal }), log: { info }, raw };
  const openStreams = new OpenStreams({ closing: closing.signal, heartbeatMs: streams?.heartbeatMs });
  const context = {
    closing: closing.signal,
    openStreams,
    onAccessLost,
    ...(streams && { streams }),
  };
  const stream = new EventStream(
    request as unknown as FastifyRequest,
    reply as unknown as FastifyReply,
    context,
  );
  return { stream, response, raw, reply, closing, openStreams, info, lost, onAccessLost };
}

const bytes = (length: number): [Uint8Array] => [Buffer.alloc(length, 'x')];

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the start of an event stream', () => {
  it('sends its headers at once, with those of hooks', () => {
    const { stream, response, reply } = setUp();
    stream.open();
    expect(reply.hijack).toHaveBeenCalledOnce();
    expect(response.status).toBe(200);
    expect(response.headers).toStrictEqual({
      'x-of-a-hook': 'a',
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(response.flushHeaders).toHaveBeenCalledOnce();
    expect(response.socket?.setNoDelay).toHaveBeenCalledWith(true);
    stream.end();
  });

  it('is refused while the server closes, and leaves nothing behind', () => {
    const { stream, response, closing, openStreams, lost } = setUp();
    closing.abort();
    expect(() => stream.open()).toThrow('The server is closing.');
    expect([lost.mock.calls.length, openStreams.size]).toEqual([1, 0]);
    expect([response.status, response.ended, stream.isOpen]).toEqual([undefined, 0, false]);
  });

  it('is refused also if the server began to close before its request arrived', () => {
    const aborted = new AbortController();
    aborted.abort();
    const { stream, openStreams, lost } = setUp({}, undefined, aborted);
    expect(() => stream.open()).toThrow('The server is closing.');
    expect([stream.isOpen, lost.mock.calls.length, openStreams.size]).toEqual([false, 1, 0]);
  });

  it('forgets the headers of its request', () => {
    const { stream, raw } = setUp();
    expect(raw.rawHeaders).toHaveLength(2);
    stream.open();
    expect(raw).toEqual({ headers: {}, rawHeaders: [] });
    stream.end();
  });

  it('works without a caller to watch, and after its socket is gone', () => {
    const { stream, response, onAccessLost } = setUp({}, null);
    response.socket = null;
    stream.open();
    expect([response.status, stream.isOpen, onAccessLost.mock.calls.length]).toEqual([200, true, 0]);
    stream.end();
    stream.end();
    expect(response.ended).toBe(1);
  });

  it('keeps each cleanup until the end', () => {
    const { stream, lost } = setUp();
    const cleanups = [vi.fn(), vi.fn()];
    for (const cleanup of cleanups) stream.onEnd(cleanup);
    stream.open();
    stream.end();
    stream.end();
    for (const cleanup of [lost, ...cleanups]) expect(cleanup).toHaveBeenCalledOnce();
  });

  it('ends a response at once whose stream has ended before', () => {
    const { stream, response } = setUp();
    stream.end();
    expect(response.ended).toBe(0);
    stream.open();
    expect([response.status, response.ended, response.written.length]).toEqual([200, 1, 0]);
    expect(response.flushHeaders).not.toHaveBeenCalled();
  });
});

describe('the heartbeat', () => {
  const ping = ':\nevent: ping\ndata:\n\n';

  it('comes every 15 s by default, only while nothing else waits', () => {
    const { stream, response } = setUp();
    stream.open();
    vi.advanceTimersByTime(14_999);
    expect(response.text).toBe('');
    vi.advanceTimersByTime(1);
    expect(response.text).toBe(ping);
    response.hasRoom = false;
    stream.send([Buffer.from('data: 1\n\n')]);
    vi.advanceTimersByTime(15_000);
    expect(response.text).toBe(`${ping}data: 1\n\n`);
    response.drain();
    vi.advanceTimersByTime(15_000);
    expect(response.text).toBe(`${ping}data: 1\n\n${ping}`);
    stream.end();
    vi.advanceTimersByTime(60_000);
    expect(response.text).toBe(`${ping}data: 1\n\n${ping}`);
  });

  it('begins when the stream opens, however long the first read of the route takes', () => {
    const { stream, response } = setUp();
    vi.advanceTimersByTime(40_000);
    expect([response.text, response.status]).toEqual(['', undefined]);
    stream.open();
    vi.advanceTimersByTime(14_999);
    expect([response.text, response.status]).toEqual(['', 200]);
    vi.advanceTimersByTime(1);
    expect(response.text).toBe(ping);
    stream.end();
  });
});

describe('what the socket does not take', () => {
  it('waits, in pieces of 64 KiB, and arrives in order', () => {
    const { stream, response } = setUp();
    const seen = vi.fn();
    stream.open();
    stream.onRoom(seen);
    stream.send([Buffer.from('head'), ...bytes(PIECE), Buffer.from('tail')]);
    expect(response.written.map(({ length }) => length)).toEqual([4, PIECE, 4]);
    expect(stream.hasRoom).toBe(true);
    response.hasRoom = false;
    stream.send(bytes(2 * PIECE + 1));
    expect(response.written.slice(3).map(({ length }) => length)).toEqual([PIECE]);
    expect(stream.hasRoom).toBe(false);
    stream.send([Buffer.from('last')]);
    expect(response.written).toHaveLength(4);
    response.drain(false);
    expect(response.written).toHaveLength(5);
    expect([stream.hasRoom, seen.mock.calls.length]).toEqual([false, 0]);
    response.drain();
    expect(response.written.slice(5).map(String)).toEqual(['x', 'last']);
    expect([stream.hasRoom, seen.mock.calls.length]).toEqual([true, 1]);
    stream.end();
    expect(response.ended).toBe(1);
  });

  it('is sent before the end, and nothing after it', () => {
    const { stream, response, lost } = setUp();
    const seen = vi.fn();
    stream.open();
    stream.onRoom(seen);
    response.hasRoom = false;
    stream.send([Buffer.from('1')]);
    stream.send([Buffer.from('2')]);
    stream.end();
    expect([stream.isOpen, lost.mock.calls.length, response.ended]).toEqual([false, 1, 0]);
    stream.send([Buffer.from('3')]);
    stream.comment('4');
    response.drain();
    expect([response.text, response.ended]).toEqual(['12', 1]);
    expect(seen).not.toHaveBeenCalled();
  });

  it('disconnects a client that takes no piece in 60 s by default, but not one that is slow', () => {
    const { stream, response, info, lost } = setUp({ heartbeatMs: 10_000_000 });
    stream.open();
    response.hasRoom = false;
    stream.send(bytes(3 * PIECE));
    vi.advanceTimersByTime(59_999);
    response.drain(false);
    vi.advanceTimersByTime(59_999);
    expect([response.closed, stream.isOpen]).toEqual([false, true]);
    vi.advanceTimersByTime(1);
    expect([response.closed, stream.isOpen, lost.mock.calls.length]).toEqual([true, false, 1]);
    expect(info).toHaveBeenCalledOnce();
    expect([response.written.length, response.ended]).toEqual([2, 0]);
  });

  it('is forgotten with the stream that is cut off, before its socket has closed', () => {
    const { stream, response, info, lost, openStreams } = setUp({ maxWaitingBytes: 0 });
    response.closesAtOnce = false;
    stream.open();
    response.hasRoom = false;
    for (let count = 0; count < 5; count += 1) stream.send(bytes(1));
    expect([stream.isOpen, openStreams.size, lost.mock.calls.length]).toEqual([false, 0, 1]);
    expect(info).toHaveBeenCalledOnce();
    response.drain();
    expect([response.written.length, response.closed]).toEqual([1, true]);
  });

  it('has a limit of 1 MiB by default, together with the buffer of the socket', () => {
    const { stream, response } = setUp();
    stream.open();
    response.hasRoom = false;
    stream.send(bytes(1));
    stream.send(bytes(MEBIBYTE));
    stream.send(bytes(1));
    expect(response.closed).toBe(false);
    stream.send(bytes(1));
    expect([response.closed, stream.isOpen]).toEqual([true, false]);
    const other = setUp();
    other.stream.open();
    other.response.writableLength = MEBIBYTE;
    other.stream.send(bytes(1));
    expect(other.response.closed).toBe(false);
    other.response.writableLength = MEBIBYTE + 1;
    other.stream.send(bytes(1));
    expect([other.response.closed, other.response.written.length]).toEqual([true, 1]);
  });

  it('does not count what was written, and no first events', () => {
    const { stream, response } = setUp({ maxWaitingBytes: 10 });
    stream.open();
    response.hasRoom = false;
    stream.begin([bytes(1), bytes(50), bytes(50)]);
    stream.send(bytes(12));
    response.drain();
    response.hasRoom = false;
    // Of 111 bytes that may wait, all are free again; the first piece goes to the socket.
    stream.send(bytes(1));
    for (let count = 0; count < 111; count += 1) stream.send(bytes(1));
    stream.send(bytes(1));
    expect(response.closed).toBe(false);
    stream.send(bytes(1));
    expect(response.closed).toBe(true);
  });

  it('is forgotten when the client leaves', () => {
    const { stream, response } = setUp({ maxWaitingBytes: 0 });
    stream.open();
    response.hasRoom = false;
    stream.send(bytes(1));
    response.emit('error', new Error('reset'));
    expect(stream.isOpen).toBe(false);
    response.drain();
    stream.send(bytes(1));
    expect(response.written).toHaveLength(1);
  });
});

describe('when the server closes', () => {
  it('clients come back spread over four seconds', () => {
    for (const [share, waitMs] of [
      [0, 1_000],
      [0.5, 3_000],
      [1, 5_000],
    ] as const) {
      const random = vi.spyOn(Math, 'random').mockReturnValue(share);
      const { stream, response, closing } = setUp();
      stream.open();
      closing.abort();
      random.mockRestore();
      expect([response.text, response.ended]).toEqual([`retry: ${waitMs}\n\n`, 1]);
      response.emit('close');
    }
  });

  it('a client gets a second for the rest of its stream', () => {
    const { stream, response, closing } = setUp();
    stream.open();
    response.hasRoom = false;
    stream.send(bytes(1));
    closing.abort();
    expect(stream.isOpen).toBe(false);
    vi.advanceTimersByTime(999);
    expect(response.closed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(response.closed).toBe(true);
  });

  it('nothing is left of a stream whose client has read everything, or that has not begun', () => {
    const read = setUp();
    read.stream.open();
    read.closing.abort();
    expect(read.response.ended).toBe(1);
    read.response.emit('close');
    const finished = setUp();
    finished.stream.open();
    finished.response.writableFinished = true;
    finished.closing.abort();
    const waiting = setUp();
    waiting.closing.abort();
    expect([waiting.stream.isOpen, waiting.response.ended]).toEqual([false, 0]);
  });
});

it('a comment is a line of its own, and an event with bytes does not copy them', () => {
  const { stream, response } = setUp();
  stream.open();
  stream.comment('nothing was missed');
  expect(response.text).toBe(': nothing was missed\n\n');
  stream.end();
  const data = Buffer.from('{"a":1}');
  const event = toStreamEvent({ id: '7', event: 'ruleset', data });
  expect(event[1]).toBe(data);
  expect(Buffer.concat(event).toString()).toBe('id: 7\nevent: ruleset\ndata: {"a":1}\n\n');
  expect(toStreamEvent({ id: '7', event: 'ruleset', data: '{"a":1}' }).map(String)).toEqual([
    'id: 7\nevent: ruleset\ndata: {"a":1}\n\n',
  ]);
});
