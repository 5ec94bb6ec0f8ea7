import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const DRAIN_INTERVAL_MS = 20;

/** The connections of an HTTP server, so that it can close without waiting for those that have nothing to say. */
export class Connections {
  readonly #server: Server;
  /** Without a request so far: to Node they are busy until their headers time out. */
  readonly #unused = new Set<Socket>();

  /** To be made before the server listens. */
  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', ({ socket }) => this.#unused.delete(socket));
  }

  /**
   * Closes every connection as soon as it has no request under way, and all that are left after `deadlineMs`. Node
   * itself looks for idle ones only once, when the server begins to close, and then waits for their time-outs.
   * Answers the way to stop.
   */
  drain(deadlineMs: number): () => void {
    const closeIdle = (): void => {
      this.#server.closeIdleConnections();
      for (const socket of this.#unused) socket.destroy();
    };
    closeIdle();
    const interval = setInterval(closeIdle, DRAIN_INTERVAL_MS);
    const deadline = setTimeout(() => this.#server.closeAllConnections(), deadlineMs);
    return () => {
      clearInterval(interval);
      clearTimeout(deadline);
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
