import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of evaluate under `/organizations/:org/config`. */
export function registerEvaluateRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
