import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../principal.ts';
import type { Counters } from './counters.ts';
import { HttpError } from './http-error.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';

/** Heartbeat, buffer and number of event streams. */
export interface StreamOptions {
  /** Milliseconds between two pings, which keep a connection open and show that it is alive (default 15 000). */
  heartbeatMs?: number;
  /** Bytes buffered for a client that does not read, on top of its first events (default 1 MiB). */
  maxWaitingBytes?: number;
  /** Milliseconds in which a client must read 64 KiB of what waits for it, or it is disconnected (default 60 000). */
  stalledMs?: number;
  /** Most open streams of one publishable key, of snapshots and of OFREP (default 50 000). More get a 429. */
  maxPerKey?: number;
  /** Most open streams of one publishable key from one address (default 5 000). More get a 429. */
  maxPerAddress?: number;
}

/** A server-sent event in UTF-8, in one or more parts. Streams share the bytes: do not change them. */
export type StreamEvent = readonly Uint8Array[];

/** What an event stream needs from the server. */
export interface StreamContext {
  /** Calls `listener` once when the caller loses its access (see `AccessWatch`). Returns a function that stops listening. */
  readonly onAccessLost: (principal: Principal, listener: () => void) => () => void;
  /** Aborted when the server begins to close: every open stream ends. */
  readonly closing: AbortSignal;
  readonly openStreams: OpenStreams;
  readonly counters?: Pick<Counters, 'streamOpened'>;
  readonly streams?: StreamOptions;
}

const DEFAULT_MAX_WAITING_BYTES = 1024 * 1024;
const DEFAULT_STALLED_MS = 60_000;
/** When the server closes, how long a client gets to read the rest of its stream. */
const LAST_BYTES_MS = 1_000;
/** Larger parts are written in pieces of this size, so that a slow client that reads can be told from one that does not. */
const PIECE_BYTES = 64 * 1024;
/** When the server closes, clients come back at different times, at most this much later. */
const RECONNECT_MS = { min: 1_000, max: 5_000 };
/** A comment, and an event for pages: `EventSource` does not show them comments. */
const HEARTBEAT: StreamEvent = [Buffer.from(':\nevent: ping\ndata:\n\n')];
const NOTHING: readonly never[] = [];
const NO_BYTES = new Uint8Array(0);

/**
 * An open response of server-sent events. It ends when the client disconnects, when the caller loses its access (a
 * revocation, a token that expires) and when the server closes. What the socket does not take yet waits in a queue of
 * shared buffers. A client that does not read is disconnected before it costs much memory; it can resume from its last
 * event id.
 */
export class EventStream implements OpenStream {
  readonly #response: ServerResponse;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #context: StreamContext;
  /** A new array for each addition: one that grows has room for 17. */
  #cleanups: readonly (() => void)[] = NOTHING;
  /** Not written yet; undefined if there is nothing. */
  #queue: Uint8Array[] | undefined;
  #queuedBytes = 0;
  #maxWaitingBytes: number;
  /** False once it has ended or was cut off. */
  #isOpen = true;
  #isStarted = false;
  /** Set while the socket takes no more: disconnects the client if that lasts too long. */
  #stalled: NodeJS.Timeout | undefined;
  #onRoom: (() => void) | undefined;

  /**
   * Create it before the first read of the route, so that a revocation in between is not missed. Until {@link open} the
   * route can still throw and send an ordinary error.
   */
  constructor(request: FastifyRequest, reply: FastifyReply, context: StreamContext) {
    this.#request = request;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#context = context;
    this.#maxWaitingBytes = context.streams?.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES;
    const closed = (): void => this.#closed();
    this.#response.on('close', closed);
    this.#response.on('error', closed);
    const { principal } = request;
    if (principal !== undefined) this.onEnd(context.onAccessLost(principal, () => this.end()));
    context.openStreams.add(this);
    // A client that left during authentication: its "close" event has passed already.
    if (this.#response.closed) this.#release();
  }

  /**
   * Sends the headers; after this the request can no longer be refused, and its headers can no longer be read.
   * @throws {HttpError} 503 if the server is closing
   */
  open(): void {
    const { closing, counters, openStreams } = this.#context;
    if (closing.aborted) {
      this.#release();
      throw new HttpError(503, 'The server is closing.');
    }
    this.#reply.hijack();
    // With those that hooks have set, such as CORS. Not with `setHeader`: Node would keep each of them as long as the stream.
    const set = Object.entries(this.#reply.getHeaders()).filter(([, value]) => value !== undefined);
    this.#response.writeHead(200, {
      ...Object.fromEntries(set),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#isStarted = true;
    const ended = counters?.streamOpened(this.#request);
    if (ended !== undefined) this.onEnd(ended);
    if (!this.#isOpen) {
      this.#response.end();
      return;
    }
    this.#response.socket?.setNoDelay(true);
    this.#response.flushHeaders();
    openStreams.add(this);
    this.#forgetHeaders();
  }

  /** Node would keep the headers of the request as long as the stream: a token alone has some 500 bytes. */
  #forgetHeaders(): void {
    const { raw } = this.#request;
    raw.headers = {};
    raw.rawHeaders = [];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether everything so far was written, as far as this process knows. */
  get hasRoom(): boolean {
    return this.#queue === undefined && this.#stalled === undefined;
  }

  /** Calls `listener` whenever {@link hasRoom} becomes true again. */
  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  /** Calls `cleanup` when the stream ends, or at once if it already has. */
  onEnd(cleanup: () => void): void {
    if (this.#isOpen) this.#cleanups = [...this.#cleanups, cleanup];
    else cleanup();
  }

  /** Sends the first events, however large: only later ones count towards `maxWaitingBytes`. */
  begin(events: readonly StreamEvent[]): void {
    for (const part of events.flat()) this.#maxWaitingBytes += part.byteLength;
    for (const event of events) this.send(event);
  }

  send(event: StreamEvent): void {
    if (!this.#isOpen) return;
    // Not counting the new event: one that is large must not disconnect a client that reads.
    if (this.#queuedBytes + this.#response.writableLength > this.#maxWaitingBytes) {
      this.#cutOff();
      return;
    }
    for (const part of event) {
      if (this.hasRoom && part.byteLength <= PIECE_BYTES) this.#writePiece(part);
      else {
        this.#queue ??= [];
        this.#queue.push(part);
        this.#queuedBytes += part.byteLength;
        this.#write();
      }
    }
  }

  sendHeartbeat(): void {
    // A client that still has something to read needs none.
    if (this.#isStarted && this.hasRoom) this.send(HEARTBEAT);
  }

  /** Sends a line that clients ignore. */
  comment(text: string): void {
    this.send([Buffer.from(`: ${text}\n\n`)]);
  }

  /** Sends no more events. The client still gets what waits for it. */
  end(): void {
    if (!this.#isOpen) return;
    this.#release();
    if (this.#isStarted) this.#context.openStreams.finishInTurn(this);
  }

  finish(): void {
    this.#write();
  }

  /** Ends the stream, and cuts it off if the client does not read the rest in time. */
  endNow(): void {
    const response = this.#response;
    if (this.#isStarted) this.send([reconnectHint()]);
    this.end();
    if (!this.#isStarted || response.writableFinished) return;
    const cut = setTimeout(() => response.destroy(), LAST_BYTES_MS);
    response.once('close', () => clearTimeout(cut));
  }

  /** Writes what waits until the socket takes no more. */
  #write(): void {
    while (this.#queue !== undefined && this.#stalled === undefined) {
      const part = this.#queue.shift() ?? NO_BYTES;
      if (part.byteLength > PIECE_BYTES) this.#queue.unshift(part.subarray(PIECE_BYTES));
      if (this.#queue.length === 0) this.#queue = undefined;
      const piece = part.subarray(0, PIECE_BYTES);
      this.#queuedBytes -= piece.byteLength;
      this.#writePiece(piece);
    }
    if (!this.#isOpen && this.#queue === undefined) this.#response.end();
  }

  #writePiece(piece: Uint8Array): void {
    if (this.#response.write(piece)) return;
    const stalledMs = this.#context.streams?.stalledMs ?? DEFAULT_STALLED_MS;
    this.#stalled = setTimeout(() => this.#cutOff(), stalledMs);
    this.#response.once('drain', () => this.#drained());
  }

  #drained(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#write();
    if (this.#isOpen && this.hasRoom) this.#onRoom?.();
  }

  #cutOff(): void {
    this.#request.log.info('disconnected a stream: its client does not read');
    this.#closed();
    this.#response.destroy();
  }

  #closed(): void {
    clearTimeout(this.#stalled);
    this.#queue = undefined;
    this.#release();
  }

  #release(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#context.openStreams.delete(this);
    const cleanups = this.#cleanups;
    this.#cleanups = NOTHING;
    for (const cleanup of cleanups) cleanup();
  }
}

/** The time after which an `EventSource` connects again, which is otherwise the same for all. */
function reconnectHint(): Uint8Array {
  const { min, max } = RECONNECT_MS;
  return Buffer.from(`retry: ${Math.round(min + Math.random() * (max - min))}\n\n`);
}

/**
 * An event with its data, which is JSON on one line. Data that is given in bytes is not copied.
 */
export function toStreamEvent({
  id,
  event,
  data,
}: {
  id: string;
  event: string;
  data: string | Uint8Array;
}): StreamEvent {
  const head = `id: ${id}\nevent: ${event}\ndata: `;
  if (typeof data === 'string') return [Buffer.from(`${head}${data}\n\n`)];
  return [Buffer.from(head), data, Buffer.from('\n\n')];
}
