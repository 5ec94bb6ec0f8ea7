import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of snapshot under `/organizations/:org/config`. */
export function registerSnapshotRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
