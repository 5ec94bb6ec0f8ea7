import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ClientDirectory } from '../auth/client-directory.ts';

const ORGANIZATION_PATH = /^\/organizations\/([^/?]+)\//;
const PREFLIGHT_MAX_AGE_SEC = 600;

/** Allows cross-origin requests from the origins of the organization's publishable keys, and no others. */
export async function registerCors(app: FastifyInstance, clients: ClientDirectory): Promise<void> {
  const optionsFor = (origin: boolean): FastifyCorsOptions => ({
    origin,
    methods: ['GET', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'If-None-Match', 'Last-Event-ID'],
    exposedHeaders: ['ETag', 'Retry-After'],
    maxAge: PREFLIGHT_MAX_AGE_SEC,
    strictPreflight: false,
  });
  const [allowed, refused] = [optionsFor(true), optionsFor(false)];
  const delegator = async (request: FastifyRequest): Promise<FastifyCorsOptions> =>
    (await isAllowed(request, clients)) ? allowed : refused;
  await app.register(cors, { delegator });
}

async function isAllowed(request: FastifyRequest, clients: ClientDirectory): Promise<boolean> {
  const { origin } = request.headers;
  const organization = ORGANIZATION_PATH.exec(request.url)?.[1];
  if (origin === undefined || organization === undefined) return false;
  return clients.allowsOrigin(organization, origin);
}
