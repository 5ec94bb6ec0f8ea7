import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of values under `/organizations/:org/config`. */
export function registerValuesRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
