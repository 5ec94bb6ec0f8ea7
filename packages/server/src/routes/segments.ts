import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';
import {
  CONFIG_PATH,
  descriptionField,
  type EnvironmentQuery,
  environmentQuery,
  principalOf,
} from './config-request.ts';

const segmentBody = {
  type: 'object',
  required: ['condition'],
  properties: { condition: { type: 'object' }, description: descriptionField },
};

/** `…/config/segments`: named conditions of an environment. */
export function registerSegmentsRoutes(app: FastifyInstance, { service, guard }: ServerContext): void {
  const path = `${CONFIG_PATH}/segments`;
  const onRequest = guard({ scope: 'config:write' });
  const querystring = environmentQuery;
  app.get<{ Querystring: EnvironmentQuery }>(
    path,
    { onRequest: guard({ scope: 'config:read' }), schema: { querystring } },
    async (request) => {
      const view = await service.view(principalOf(request), request.query.environment);
      return service.segments.list(view);
    },
  );
  app.put<{
    Querystring: EnvironmentQuery;
    Params: { name: string };
    Body: { condition: unknown; description?: string | null };
  }>(`${path}/:name`, { onRequest, schema: { querystring, body: segmentBody } }, (request) => {
    const target = { environment: request.query.environment, name: request.params.name };
    return service.segments.put(principalOf(request), target, request.body);
  });
  app.delete<{ Querystring: EnvironmentQuery; Params: { name: string } }>(
    `${path}/:name`,
    { onRequest, schema: { querystring } },
    async (request, reply) => {
      const target = { environment: request.query.environment, name: request.params.name };
      await service.segments.delete(principalOf(request), target);
      return reply.code(204).send();
    },
  );
}
