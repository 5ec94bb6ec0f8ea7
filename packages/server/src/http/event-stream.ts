import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../principal.ts';
import { HttpError } from './http-error.ts';

/** Heartbeat and buffer of event streams. */
export interface StreamOptions {
  /** Milliseconds between two comments that keep a connection open (default 15 000). */
  heartbeatMs?: number;
  /** Bytes buffered for a client that does not read, on top of its first events (default 1 MiB). */
  maxWaitingBytes?: number;
}

/** One server-sent event. */
export interface StreamEvent {
  id: string;
  event: string;
  /** JSON on one line. */
  data: string;
}

/** What an event stream needs from the server. */
export interface StreamContext {
  /** Calls `listener` once when the caller loses its access (see `AccessWatch`). Returns a function that stops listening. */
  readonly onAccessLost: (principal: Principal, listener: () => void) => () => void;
  /** Aborted when the server begins to close: every open stream ends. */
  readonly closing: AbortSignal;
  readonly streams?: StreamOptions;
}

const DEFAULT_HEARTBEAT_MS = 15_000;
const DEFAULT_MAX_WAITING_BYTES = 1024 * 1024;
/** When the server closes, how long a client gets to read the rest of its stream. */
const LAST_BYTES_MS = 1_000;

/**
 * An open response of server-sent events. It ends when the client disconnects, when the caller loses its access (a
 * revocation, a token that expires) and when the server closes. A client that does not read is disconnected before it costs much memory; it can resume from its last
 * event id.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #heartbeatMs: number;
  readonly #closing: AbortSignal;
  readonly #cleanups: (() => void)[] = [];
  #maxWaitingBytes: number;
  /** False once it has ended or was cut off. */
  #isOpen = true;
  #isStarted = false;

  /**
   * Create it before the first read of the route, so that a revocation in between is not missed. Until {@link open} the
   * route can still throw and send an ordinary error.
   */
  constructor(request: FastifyRequest, reply: FastifyReply, context: StreamContext) {
    this.#request = request;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#heartbeatMs = context.streams?.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    this.#maxWaitingBytes = context.streams?.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES;
    this.#response.on('close', () => this.#release());
    this.#response.on('error', () => this.#release());
    const { principal } = request;
    if (principal !== undefined) this.onEnd(context.onAccessLost(principal, () => this.end()));
    const { closing } = context;
    const endNow = (): void => this.#endNow();
    closing.addEventListener('abort', endNow, { once: true });
    this.onEnd(() => closing.removeEventListener('abort', endNow));
    this.#closing = closing;
    // A client that left during authentication: its "close" event has passed already.
    if (this.#response.closed) this.#release();
  }

  /**
   * Sends the headers; after this the request can no longer be refused.
   * @throws {HttpError} 503 if the server is closing
   */
  open(): void {
    if (this.#closing.aborted) {
      this.#release();
      throw new HttpError(503, 'The server is closing.');
    }
    this.#reply.hijack();
    // Headers that hooks have set, such as those of CORS.
    for (const [name, value] of Object.entries(this.#reply.getHeaders())) {
      if (value !== undefined) this.#response.setHeader(name, value);
    }
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#isStarted = true;
    if (!this.#isOpen) {
      this.#response.end();
      return;
    }
    this.#response.socket?.setNoDelay(true);
    this.#response.flushHeaders();
    const heartbeat = setInterval(() => this.#write(':\n\n'), this.#heartbeatMs);
    this.onEnd(() => clearInterval(heartbeat));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Calls `cleanup` when the stream ends, or at once if it already has. */
  onEnd(cleanup: () => void): void {
    if (this.#isOpen) this.#cleanups.push(cleanup);
    else cleanup();
  }

  /** Sends the first events, however large: only later ones count towards `maxWaitingBytes`. */
  begin(events: readonly StreamEvent[]): void {
    const texts = events.map(toText);
    for (const text of texts) this.#maxWaitingBytes += Buffer.byteLength(text);
    for (const text of texts) this.#write(text);
  }

  send(event: StreamEvent): void {
    this.#write(toText(event));
  }

  /** Sends a line that clients ignore. */
  comment(text: string): void {
    this.#write(`: ${text}\n\n`);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#release();
    if (this.#isStarted) this.#response.end();
  }

  /** Ends the stream, and cuts it off if the client does not read the rest in time. */
  #endNow(): void {
    const response = this.#response;
    this.end();
    if (!this.#isStarted || response.writableFinished) return;
    const cut = setTimeout(() => response.destroy(), LAST_BYTES_MS);
    response.once('close', () => clearTimeout(cut));
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    // Not counting the new text: one large event must not disconnect a client that reads.
    if (this.#response.writableLength > this.#maxWaitingBytes) {
      this.#request.log.info('disconnected a stream: its client does not read');
      this.#release();
      this.#response.destroy();
      return;
    }
    this.#response.write(text);
  }

  #release(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
  }
}

function toText({ id, event, data }: StreamEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}
