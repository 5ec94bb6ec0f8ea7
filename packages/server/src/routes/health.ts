import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';

const PING_TIMEOUT_MS = 2_000;

/** `GET /healthz` (the process runs) and `GET /readyz` (the storage works too). */
export function registerHealthRoutes(app: FastifyInstance, context: ServerContext): void {
  app.get('/healthz', { exposeHeadRoute: true }, async () => ({ status: 'ok' }));
  app.get('/readyz', { exposeHeadRoute: true }, async (_request, reply) => {
    if (await isStorageReady(context)) return { status: 'ok' };
    return reply.code(503).send({ status: 'unavailable', message: 'The storage does not respond.' });
  });
}

async function isStorageReady(context: ServerContext): Promise<boolean> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      context.storage.ping().then(() => true),
      delay(PING_TIMEOUT_MS, false, { signal: timeout.signal, ref: false }),
    ]);
  } catch {
    return false;
  } finally {
    timeout.abort();
  }
}
