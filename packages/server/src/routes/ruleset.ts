import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../server-context.ts';

/** Registers the routes of ruleset under `/organizations/:org/config`. */
export function registerRulesetRoutes(app: FastifyInstance, context: ServerContext): void {
  void app;
  void context;
}
