import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';
import { CONFIG_PATH, descriptionField, forceQuery, nameField, principalOf } from './config-request.ts';

interface SchemaParams {
  id: string;
}

const jsonSchema = { type: 'object' };
const createBody = {
  type: 'object',
  required: ['name'],
  properties: { name: nameField, description: descriptionField, jsonSchema },
};
const patchBody = {
  type: 'object',
  minProperties: 1,
  properties: { name: nameField, description: descriptionField, jsonSchema: false, currentVersion: false },
};
const pushBody = {
  type: 'object',
  required: ['jsonSchema'],
  properties: {
    jsonSchema,
    changeDescription: descriptionField,
    force: { type: 'boolean' },
  },
};
const BODY_BYTES = 2 * 1024 * 1024;

/** `…/config/schemas`: the keys and the types of their values. */
export function registerSchemasRoutes(app: FastifyInstance, context: ServerContext): void {
  const { service, guard } = context;
  const onRequest = guard({ scope: 'config:read' });
  const path = `${CONFIG_PATH}/schemas`;
  app.get(path, { onRequest }, (request) => service.schemas.list(principalOf(request)));
  app.get<{ Params: SchemaParams }>(`${path}/:id`, { onRequest }, (request) =>
    service.schemas.get(principalOf(request), request.params.id),
  );
  registerWrites(app, context);
}

function registerWrites(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:write' });
  const path = `${CONFIG_PATH}/schemas`;
  app.post<{ Body: { name: string; description?: string | null; jsonSchema?: unknown } }>(
    path,
    { onRequest, schema: { body: createBody }, bodyLimit: BODY_BYTES },
    async (request, reply) => {
      const schema = await service.schemas.create(principalOf(request), request.body);
      return reply.code(201).send(schema);
    },
  );
  app.patch<{ Params: SchemaParams; Body: { name?: string; description?: string | null } }>(
    `${path}/:id`,
    { onRequest, schema: { body: patchBody } },
    (request) => {
      const { name: newName, description } = request.body;
      return service.schemas.update(principalOf(request), request.params.id, {
        ...(newName !== undefined && { name: newName }),
        ...(description !== undefined && { description }),
      });
    },
  );
  app.delete<{ Params: SchemaParams; Querystring: { force?: string } }>(
    `${path}/:id`,
    { onRequest, schema: { querystring: forceQuery } },
    async (request, reply) => {
      const force = request.query.force === 'true';
      await service.schemas.delete(principalOf(request), request.params.id, { force });
      return reply.code(204).send();
    },
  );
  app.post<{
    Params: SchemaParams;
    Body: { jsonSchema: unknown; changeDescription?: string | null; force?: boolean };
  }>(`${path}/:id/push`, { onRequest, schema: { body: pushBody }, bodyLimit: BODY_BYTES }, (request) =>
    service.schemas.push(principalOf(request), request.params.id, {
      ...request.body,
      force: request.body.force === true,
    }),
  );
}
