import type { FastifyInstance } from 'fastify';
import { safePath } from '../server-logger.ts';

/** Logs one line for each request, without headers, body or query. */
export function registerRequestLog(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    const line = {
      method: request.method,
      path: safePath(request.url),
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
      ...(request.principal ? { clientId: request.principal.clientId } : {}),
    };
    request.log[reply.statusCode >= 500 ? 'error' : 'info'](line, 'request');
    done();
  });
}
