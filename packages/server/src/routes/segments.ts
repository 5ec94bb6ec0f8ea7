import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SegmentTarget } from '../domain/segments.ts';
import { addEtag, preconditionOf } from '../http/precondition.ts';
import type { ServerContext } from '../http/server-context.ts';
import { json, listRef, noBody, preconditionFailed, ref, withEtag, writeRefusals } from './api-schemas.ts';
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
const getSchema = {
  operationId: 'getSegment',
  summary: 'A segment that the environment sees',
  querystring: environmentQuery,
  response: { 200: withEtag(json('The segment', ref('Segment'))) },
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
  response: { 200: withEtag(json('The segment', ref('Segment'))), ...preconditionFailed, ...writeRefusals },
};
const deleteSchema = {
  operationId: 'deleteSegment',
  summary: 'Delete a segment',
  querystring: environmentQuery,
  response: { 204: noBody('Deleted'), ...preconditionFailed, ...writeRefusals },
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
  app.get<{ Querystring: EnvironmentQuery; Params: { name: string } }>(
    `${path}/:name`,
    { onRequest: guard({ scope: 'config:read' }), schema: getSchema },
    async (request, reply) => {
      const view = await service.view(principalOf(request), request.query.environment);
      const segment = service.segments.get(view, request.params.name);
      addEtag(reply, service.segments.versionOf(segment));
      return segment;
    },
  );
  app.put<{
    Querystring: EnvironmentQuery;
    Params: { name: string };
    Body: { condition: unknown; description?: string | null };
  }>(`${path}/:name`, { onRequest, schema: putSchema }, async (request, reply) => {
    const segment = await service.segments.put(principalOf(request), targetOf(request), request.body);
    addEtag(reply, service.segments.versionOf(segment));
    return segment;
  });
  app.delete<{ Querystring: EnvironmentQuery; Params: { name: string } }>(
    `${path}/:name`,
    { onRequest, schema: deleteSchema },
    async (request, reply) => {
      await service.segments.delete(principalOf(request), targetOf(request));
      return reply.code(204).send();
    },
  );
}

function targetOf(
  request: FastifyRequest<{ Querystring: EnvironmentQuery; Params: { name: string } }>,
): SegmentTarget {
  const { query, params } = request;
  return { environment: query.environment, name: params.name, precondition: preconditionOf(request) };
}
