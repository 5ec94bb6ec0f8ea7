import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from './http-error.ts';

/** How event streams behave. */
export interface StreamOptions {
  /** Between two comments that keep a connection open, in milliseconds (default 15 000). */
  heartbeatMs?: number;
  /** Bytes that may wait for a client that does not read, beside what it gets at first (default 1 MiB). */
  maxWaitingBytes?: number;
}

/** One server-sent event. */
export interface StreamEvent {
  id: string;
  event: string;
  /** JSON on one line. */
  data: string;
}

/** What an event stream takes from its server. */
export interface StreamContext {
  /** Calls `listener` once when that client is revoked or loses rights. Returns a function that stops listening. */
  readonly onClientRevoked: (clientId: string, listener: () => void) => () => void;
  /** Aborted when the server begins to close: every open stream ends. */
  readonly closing: AbortSignal;
  readonly streams?: StreamOptions;
}

const DEFAULT_HEARTBEAT_MS = 15_000;
const DEFAULT_MAX_WAITING_BYTES = 1024 * 1024;
/** When the server closes, a client that reads has the rest of its stream by then. */
const LAST_BYTES_MS = 1_000;

/**
 * An open answer of server-sent events. It ends with its client, when the caller is revoked and when the server
 * closes; a client that does not read is dropped before it costs much memory, and resumes by its last event id.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #heartbeatMs: number;
  readonly #closing: AbortSignal;
  readonly #cleanups: (() => void)[] = [];
  #maxWaitingBytes: number;
  /** Neither ended nor cut off. */
  #isOpen = true;
  #isStarted = false;

  /**
   * To be made before the first read of the route, so that a revocation meanwhile is not missed; what the route
   * throws before {@link open} is answered as usual.
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
    if (principal !== undefined) this.onEnd(context.onClientRevoked(principal.clientId, () => this.end()));
    const { closing } = context;
    const endNow = (): void => this.#endNow();
    closing.addEventListener('abort', endNow, { once: true });
    this.onEnd(() => closing.removeEventListener('abort', endNow));
    this.#closing = closing;
  }

  /**
   * Begins the answer; from here on the request can no longer be refused.
   * @throws {HttpError} 503 while the server closes
   */
  open(): void {
    if (this.#closing.aborted) {
      this.#release();
      throw new HttpError(503, 'The server is closing.');
    }
    this.#reply.hijack();
    // What hooks have set, such as the CORS headers.
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

  /** Calls `cleanup` once the stream has ended, at once if it has. */
  onEnd(cleanup: () => void): void {
    if (this.#isOpen) this.#cleanups.push(cleanup);
    else cleanup();
  }

  /** Sends what the client asked for, however large: only what comes on top of it counts as waiting. */
  begin(events: readonly StreamEvent[]): void {
    const texts = events.map(toText);
    for (const text of texts) this.#maxWaitingBytes += Buffer.byteLength(text);
    for (const text of texts) this.#write(text);
  }

  send(event: StreamEvent): void {
    this.#write(toText(event));
  }

  /** A line that clients ignore. */
  comment(text: string): void {
    this.#write(`: ${text}\n\n`);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#release();
    if (this.#isStarted) this.#response.end();
  }

  /** Ends it for a server that does not wait for clients that have stopped reading. */
  #endNow(): void {
    const response = this.#response;
    this.end();
    if (!this.#isStarted || response.writableFinished) return;
    const cut = setTimeout(() => response.destroy(), LAST_BYTES_MS);
    response.once('close', () => clearTimeout(cut));
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    // Without the new text: one large event alone must not drop a client that reads.
    if (this.#response.writableLength > this.#maxWaitingBytes) {
      this.#request.log.info('a stream was dropped: its client does not read');
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
