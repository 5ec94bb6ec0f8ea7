import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const DRAIN_INTERVAL_MS = 20;
/** Without a further byte of a request for so long, while the server closes, its client is not waited for. */
const STALLED_MS = 1_000;

/** The connections of an HTTP server, so that it can close without waiting for those that have nothing to say. */
export class Connections {
  readonly #server: Server;
  /** Without a request so far: to Node they are busy until their headers time out. */
  readonly #unused = new Set<Socket>();
  /** Not answered yet. */
  readonly #requests = new Set<IncomingMessage>();

  /** To be made before the server listens. */
  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', (request) => {
      this.#unused.delete(request.socket);
      this.#requests.add(request);
      request.once('close', () => this.#requests.delete(request));
    });
  }

  /**
   * Closes every connection as soon as it has no request under way, those whose request stops arriving after a second,
   * and all that are left after `deadlineMs`. Node
   * itself looks for idle ones only once, when the server begins to close, and then waits for their time-outs.
   * Answers the way to stop.
   */
  drain(deadlineMs: number): () => void {
    const closeIdle = (): void => {
      this.#server.closeIdleConnections();
      for (const socket of this.#unused) socket.destroy();
    };
    closeIdle();
    const closeStalled = this.#stalledCloser();
    const interval = setInterval(() => {
      closeIdle();
      closeStalled();
    }, DRAIN_INTERVAL_MS);
    const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs);
    return () => {
      clearInterval(interval);
      clearTimeout(deadline);
    };
  }

  #stalledCloser(): () => void {
    const progress = new Map<IncomingMessage, { bytes: number; atMs: number }>();
    return () => {
      const nowMs = performance.now();
      for (const request of this.#requests) {
        const { complete, socket } = request;
        if (complete) continue;
        const known = progress.get(request);
        if (known?.bytes !== socket.bytesRead) {
          progress.set(request, { bytes: socket.bytesRead, atMs: nowMs });
        } else if (nowMs - known.atMs >= STALLED_MS) socket.destroy();
      }
    };
  }
}

/** While the server closes, new requests are refused and no connection is kept for another one. */
export function registerClosing(app: FastifyInstance, closing: AbortSignal): void {
  app.addHook('onRequest', async (_request, reply) => {
    if (!closing.aborted) return;
    await reply.code(503).send({ message: 'The server is closing.' });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing.aborted) void reply.header('connection', 'close');
  });
}
