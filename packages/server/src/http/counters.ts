import type { EvaluationSource } from '@smooai/config';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isHealthRequest } from './health-route.ts';

/** Counts what the server does, for its metrics. */
export interface Counters {
  /** Call it once a response was sent. */
  responded(request: FastifyRequest, reply: FastifyReply): void;
  /** Call it when an event stream opens. Returns a function to call when it ends. */
  streamOpened(request: FastifyRequest): () => void;
  /** `none` is an evaluation without a value. */
  evaluated(outcomes: Iterable<EvaluationSource | 'none'>): void;
}

/** For a server without metrics. */
export const noCounters: Counters = {
  responded: () => undefined,
  streamOpened: () => () => undefined,
  evaluated: () => undefined,
};

/**
 * Counts every response of a route, and those of unknown routes, but not of health checks: a 503 of `/readyz` is what a
 * draining server should say, and must not look like an error.
 */
export function registerCounters(app: FastifyInstance, counters: Counters): void {
  app.addHook('onResponse', (request, reply, done) => {
    if (!isHealthRequest(request)) counters.responded(request, reply);
    done();
  });
}
