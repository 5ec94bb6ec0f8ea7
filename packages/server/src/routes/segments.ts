import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of segments under `/organizations/:org/config`. */
export function registerSegmentsRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
