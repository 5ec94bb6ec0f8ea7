import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ClientDirectory } from '../auth/client-directory.ts';

const ORGANIZATION_PATH = /^\/organizations\/([^/?]+)\//;
/** What browsers ask for, also below a wrong base path. Its refusals contain nothing but the reason. */
const SNAPSHOT_PATH = /^[^?]*\/organizations\/[^/?]+\/config\/snapshot\/stream(?:\?|$)/;
/** Paths that do not name an organization. The guard of their routes checks the origin of a publishable key. */
const OFREP_PATH = /^\/ofrep\//;
const ALLOW_ORIGIN = 'access-control-allow-origin';
const PREFLIGHT_MAX_AGE_SEC = 600;

/**
 * Allows cross-origin requests from the origins of the organization's publishable keys, and no others. Requests to OFREP
 * are allowed from every origin: a preflight has no credential that would name the organization. Every page can read why
 * it gets no snapshot.
 */
export async function registerCors(app: FastifyInstance, clients: ClientDirectory): Promise<void> {
  const optionsFor = (origin: boolean): FastifyCorsOptions => ({
    origin,
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'If-None-Match',
      'Last-Event-ID',
      'X-API-Key',
      'X-Config-Environment',
    ],
    exposedHeaders: ['ETag', 'Retry-After'],
    maxAge: PREFLIGHT_MAX_AGE_SEC,
    strictPreflight: false,
  });
  const [allowed, refused] = [optionsFor(true), optionsFor(false)];
  const delegator = async (request: FastifyRequest): Promise<FastifyCorsOptions> =>
    (await isAllowed(request, clients)) ? allowed : refused;
  await app.register(cors, { delegator });
  // A page cannot read a response without this header, and so could not say which of its settings is wrong.
  app.addHook('onSend', async (request, reply) => {
    const { origin } = request.headers;
    const { method, url } = request;
    if (origin === undefined || method !== 'GET' || !SNAPSHOT_PATH.test(url)) return;
    if (reply.statusCode < 400 || reply.hasHeader(ALLOW_ORIGIN)) return;
    void reply.headers({ [ALLOW_ORIGIN]: origin, vary: 'Origin' });
  });
}

async function isAllowed(request: FastifyRequest, clients: ClientDirectory): Promise<boolean> {
  const { origin } = request.headers;
  if (OFREP_PATH.test(request.url)) return origin !== undefined;
  const organization = ORGANIZATION_PATH.exec(request.url)?.[1];
  if (origin === undefined || organization === undefined) return false;
  return clients.allowsOrigin(organization, origin);
}
