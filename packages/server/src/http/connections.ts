import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';

const DRAIN_INTERVAL_MS = 20;
/** While the server closes, a request that receives no byte for this long is cut off. */
const STALLED_MS = 1_000;

/** Tracks the connections of an HTTP server, so that it can close without waiting for idle ones. */
export class Connections {
  readonly #server: Server;
  /** Connections without a request so far: Node counts them as busy until their headers time out. */
  readonly #unused = new Set<Socket>();
  /** Requests without a complete response. */
  readonly #requests = new Set<IncomingMessage>();

  /** Create it before the server listens, or it misses connections. */
  constructor(server: Server) {
    this.#server = server;
    const unused = this.#unused;
    const requests = this.#requests;
    // One function for all: one for each would be kept as long as an open stream.
    const socketClosed = function (this: Socket): void {
      unused.delete(this);
    };
    const requestClosed = function (this: IncomingMessage): void {
      requests.delete(this);
    };
    server.on('connection', (socket) => {
      unused.add(socket);
      socket.on('close', socketClosed);
    });
    server.on('request', (request) => {
      unused.delete(request.socket);
      requests.add(request);
      request.on('close', requestClosed);
    });
  }

  /**
   * Closes each connection once it has no running request, or once its request has stalled for a second, and every
   * remaining one after `deadlineMs`. Node itself closes idle connections only once, at the beginning, and then waits for
   * the others to time out. Returns a function that stops draining.
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

/**
 * Refuses requests until the start is complete. A server on a free port has to listen before it can write its URL to the
 * credentials file.
 */
export function registerStarting(app: FastifyInstance, phase: { readonly isStarted: boolean }): void {
  app.addHook('onRequest', (_request, reply, done) => {
    if (phase.isStarted) done();
    else refuse(reply.header('retry-after', '1'), 'The server is starting.');
  });
}

/** While the server closes, refuses new requests and keeps no connection alive. */
export function registerClosing(app: FastifyInstance, closing: AbortSignal): void {
  app.addHook('onRequest', (_request, reply, done) => {
    if (!closing.aborted) done();
    else refuse(reply, 'The server is closing.');
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing.aborted) void reply.header('connection', 'close');
    done(null, payload);
  });
}

/**
 * Responds with 503 in a hook, which must not go on. Once Node has read the rest of the input: it must not find a fault there
 * after a response was sent.
 */
export function refuse(reply: FastifyReply, message: string): void {
  queueMicrotask(() => void reply.code(503).send({ message }));
}
