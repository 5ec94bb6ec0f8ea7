import type { FastifyRequest } from 'fastify';

const HEALTH_ROUTES: readonly (string | undefined)[] = ['/healthz', '/readyz'];

/** Whether a request is a probe of a load balancer or an orchestrator, rather than the work of a client. */
export function isHealthRequest({ routeOptions }: Pick<FastifyRequest, 'routeOptions'>): boolean {
  return HEALTH_ROUTES.includes(routeOptions.url);
}
