import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of schemas under `/organizations/:org/config`. */
export function registerSchemasRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
