import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of stream under `/organizations/:org/config`. */
export function registerStreamRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
