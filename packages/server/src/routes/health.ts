import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';
import { StorageError } from '../storage/storage-error.ts';
import { json, ref } from './api-schemas.ts';

const PING_TIMEOUT_MS = 2_000;

const healthSchema = {
  operationId: 'getHealth',
  summary: 'The process runs',
  response: { 200: json('It does', ref('Health')) },
};
const readySchema = {
  operationId: 'getReadiness',
  summary: 'The storage works, or reads are served from memory',
  response: {
    200: json('Send requests to this server', ref('Health')),
    503: json('Send requests to another server', { anyOf: [ref('Health'), ref('Error')] }),
  },
};

/**
 * `GET /healthz` (the process runs) and `GET /readyz` (the storage works too or, with PostgreSQL, reads are served from
 * memory).
 */
export function registerHealthRoutes(app: FastifyInstance, context: ServerContext): void {
  app.get('/healthz', { exposeHeadRoute: true, schema: healthSchema }, async () => ({ status: 'ok' }));
  app.get('/readyz', { exposeHeadRoute: true, schema: readySchema }, async (_request, reply) => {
    if (context.isDraining()) return reply.code(503).send({ status: 'unavailable', message: DRAINING });
    const { replica } = context.service;
    if (replica !== undefined) {
      const { isExpired, isConnected, lagMs } = replica;
      const database = { connected: isConnected, lagMs };
      if (isExpired) return reply.code(503).send({ status: 'unavailable', message: TOO_OLD, database });
      // It serves reads, so a load balancer must go on sending them.
      return { status: isConnected ? 'ok' : 'degraded', database };
    }
    const problem = await findProblem(context);
    if (problem === undefined) return { status: 'ok' };
    return reply.code(503).send({ status: 'unavailable', message: problem });
  });
}

const DRAINING = 'The server will close soon.';
const TOO_OLD = 'The database cannot be reached, and what is in memory is too old.';
const NO_RESPONSE = 'The storage does not respond.';

/** Why the storage does not work, such as a full disk; undefined if it does. */
async function findProblem(context: ServerContext): Promise<string | undefined> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      context.storage.ping().then(() => undefined),
      delay(PING_TIMEOUT_MS, NO_RESPONSE, { signal: timeout.signal, ref: false }),
    ]);
  } catch (error) {
    return error instanceof StorageError ? error.message : NO_RESPONSE;
  } finally {
    timeout.abort();
  }
}
