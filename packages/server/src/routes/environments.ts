import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of environments under `/organizations/:org/config`. */
export function registerEnvironmentsRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
