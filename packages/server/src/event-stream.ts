import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerContext } from './server-context.ts';

/** How event streams behave. */
export interface StreamOptions {
  /** Between two comments that keep a connection open, in milliseconds (default 15 000). */
  heartbeatMs?: number;
  /** Bytes that may wait for a client that does not read, beside its first event (default 1 MiB). */
  maxWaitingBytes?: number;
}

/** One server-sent event. */
export interface StreamEvent {
  id: string;
  event: string;
  /** JSON on one line. */
  data: string;
}

const DEFAULT_HEARTBEAT_MS = 15_000;
const DEFAULT_MAX_WAITING_BYTES = 1024 * 1024;

/**
 * An open answer of server-sent events. It ends with its client, when the caller is revoked and when the server
 * closes; a client that does not read is dropped before it costs much memory, and resumes by its last event id.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #request: FastifyRequest;
  readonly #cleanups: (() => void)[] = [];
  #maxWaitingBytes: number;
  #isFirst = true;
  #isOpen = true;

  private constructor(request: FastifyRequest, reply: FastifyReply, options: StreamOptions) {
    this.#request = request;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES;
    reply.hijack();
    this.#response = reply.raw;
    // What hooks have set, such as the CORS headers.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) this.#response.setHeader(name, value);
    }
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.socket?.setNoDelay(true);
    this.#response.flushHeaders();
    this.#response.on('close', () => this.#release());
    this.#response.on('error', () => this.#release());
    const heartbeat = setInterval(() => this.#write(':\n\n'), options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS);
    this.onEnd(() => clearInterval(heartbeat));
  }

  /** Begins the answer; from here on the request can no longer be refused. */
  static open(request: FastifyRequest, reply: FastifyReply, context: ServerContext): EventStream {
    const stream = new EventStream(request, reply, context.streams ?? {});
    const end = (): void => stream.end();
    const { principal } = request;
    if (principal !== undefined) stream.onEnd(context.onClientRevoked(principal.clientId, end));
    context.closing.addEventListener('abort', end, { once: true });
    stream.onEnd(() => context.closing.removeEventListener('abort', end));
    // Its client may have gone, or the server begun to close, while the route read the storage.
    if (context.closing.aborted || reply.raw.destroyed) stream.end();
    return stream;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Calls `cleanup` once the stream has ended, at once if it has. */
  onEnd(cleanup: () => void): void {
    if (this.#isOpen) this.#cleanups.push(cleanup);
    else cleanup();
  }

  send({ id, event, data }: StreamEvent): void {
    const text = `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
    if (this.#isFirst) {
      // The first event is what the client asked for, however large: only what comes on top of it counts.
      this.#isFirst = false;
      this.#maxWaitingBytes += Buffer.byteLength(text);
    }
    this.#write(text);
  }

  /** A line that clients ignore. */
  comment(text: string): void {
    this.#write(`: ${text}\n\n`);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#release();
    this.#response.end();
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    if (this.#response.writableLength + Buffer.byteLength(text) > this.#maxWaitingBytes) {
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
