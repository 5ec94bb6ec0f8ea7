import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';
import { json, listRef, noBody, ref, writeRefusals } from './api-schemas.ts';
import {
  CONFIG_PATH,
  descriptionField,
  type EnvironmentQuery,
  environmentQuery,
  principalOf,
} from './config-request.ts';

const listSchema = {
  operationId: 'listSegments',
  summary: 'The segments of an environment, inherited ones too',
  querystring: environmentQuery,
  response: { 200: json('The segments', listRef('Segment')) },
};
const putSchema = {
  operationId: 'putSegment',
  summary: 'Create or replace a segment',
  querystring: environmentQuery,
  body: {
    type: 'object',
    required: ['condition'],
    properties: { condition: { type: 'object' }, description: descriptionField },
  },
  response: { 200: json('The segment', ref('Segment')), ...writeRefusals },
};
const deleteSchema = {
  operationId: 'deleteSegment',
  summary: 'Delete a segment',
  querystring: environmentQuery,
  response: { 204: noBody('Deleted'), ...writeRefusals },
};

/** `…/config/segments`: named conditions of an environment. */
export function registerSegmentsRoutes(app: FastifyInstance, { service, guard }: ServerContext): void {
  const path = `${CONFIG_PATH}/segments`;
  const onRequest = guard({ scope: 'config:write' });
  app.get<{ Querystring: EnvironmentQuery }>(
    path,
    { onRequest: guard({ scope: 'config:read' }), schema: listSchema },
    async (request) => {
      const view = await service.view(principalOf(request), request.query.environment);
      return service.segments.list(view);
    },
  );
  app.put<{
    Querystring: EnvironmentQuery;
    Params: { name: string };
    Body: { condition: unknown; description?: string | null };
  }>(`${path}/:name`, { onRequest, schema: putSchema }, (request) => {
    const target = { environment: request.query.environment, name: request.params.name };
    return service.segments.put(principalOf(request), target, request.body);
  });
  app.delete<{ Querystring: EnvironmentQuery; Params: { name: string } }>(
    `${path}/:name`,
    { onRequest, schema: deleteSchema },
    async (request, reply) => {
      const target = { environment: request.query.environment, name: request.params.name };
      await service.segments.delete(principalOf(request), target);
      return reply.code(204).send();
    },
  );
}
