import type { FastifyInstance, FastifyReply } from 'fastify';
import { addEtag, preconditionOf } from '../http/precondition.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { StoredSchema } from '../storage/storage.ts';
import { json, listRef, noBody, preconditionFailed, ref, withEtag, writeRefusals } from './api-schemas.ts';
import { CONFIG_PATH, descriptionField, forceQuery, nameField, principalOf } from './config-request.ts';

interface SchemaParams {
  id: string;
}

const jsonSchema = { type: 'object' };
const listSchema = {
  operationId: 'listSchemas',
  summary: 'The schemas of the organization',
  response: { 200: json('The schemas', listRef('Schema')) },
};
const getSchema = {
  operationId: 'getSchema',
  summary: 'One schema',
  response: { 200: withEtag(json('The schema', ref('Schema'))) },
};
const createSchema = {
  operationId: 'createSchema',
  summary: 'Create a schema at version 1',
  body: {
    type: 'object',
    required: ['name'],
    properties: { name: nameField, description: descriptionField, jsonSchema },
  },
  response: { 201: withEtag(json('The schema', ref('Schema'))), ...writeRefusals },
};
const patchSchema = {
  operationId: 'changeSchema',
  summary: 'Change the name or description of a schema',
  body: {
    type: 'object',
    minProperties: 1,
    properties: { name: nameField, description: descriptionField, jsonSchema: false, currentVersion: false },
  },
  response: { 200: withEtag(json('The schema', ref('Schema'))), ...preconditionFailed, ...writeRefusals },
};
const deleteSchema = {
  operationId: 'deleteSchema',
  summary: 'Delete a schema',
  querystring: forceQuery,
  response: { 204: noBody('Deleted'), ...preconditionFailed, ...writeRefusals },
};
const pushSchema = {
  operationId: 'pushSchema',
  summary: 'Replace the keys of a schema and check the stored values',
  body: {
    type: 'object',
    required: ['jsonSchema'],
    properties: {
      jsonSchema,
      changeDescription: descriptionField,
      force: { type: 'boolean' },
    },
  },
  response: {
    200: withEtag(
      json('The schema and its new version', {
        type: 'object',
        required: ['schema', 'version'],
        properties: { schema: ref('Schema'), version: { type: 'integer' } },
      }),
    ),
    ...preconditionFailed,
    ...writeRefusals,
  },
};
const BODY_BYTES = 2 * 1024 * 1024;

/** `…/config/schemas`: the keys and the types of their values. */
export function registerSchemasRoutes(app: FastifyInstance, context: ServerContext): void {
  const { service, guard } = context;
  const sendEtag = etagger(context);
  const onRequest = guard({ scope: 'config:read' });
  const path = `${CONFIG_PATH}/schemas`;
  app.get(path, { onRequest, schema: listSchema }, (request) => service.schemas.list(principalOf(request)));
  app.get<{ Params: SchemaParams }>(`${path}/:id`, { onRequest, schema: getSchema }, async (request, reply) =>
    sendEtag(reply, await service.schemas.get(principalOf(request), request.params.id)),
  );
  registerWrites(app, context);
}

function registerWrites(app: FastifyInstance, context: ServerContext): void {
  const { service, guard } = context;
  const sendEtag = etagger(context);
  const onRequest = guard({ scope: 'config:write' });
  const path = `${CONFIG_PATH}/schemas`;
  app.post<{ Body: { name: string; description?: string | null; jsonSchema?: unknown } }>(
    path,
    { onRequest, schema: createSchema, bodyLimit: BODY_BYTES },
    async (request, reply) => {
      const schema = await service.schemas.create(principalOf(request), request.body);
      return sendEtag(reply.code(201), schema);
    },
  );
  app.patch<{ Params: SchemaParams; Body: { name?: string; description?: string | null } }>(
    `${path}/:id`,
    { onRequest, schema: patchSchema },
    async (request, reply) => {
      const { name: newName, description } = request.body;
      const schema = await service.schemas.update(principalOf(request), request.params.id, {
        precondition: preconditionOf(request),
        ...(newName !== undefined && { name: newName }),
        ...(description !== undefined && { description }),
      });
      return sendEtag(reply, schema);
    },
  );
  app.delete<{ Params: SchemaParams; Querystring: { force?: string } }>(
    `${path}/:id`,
    { onRequest, schema: deleteSchema },
    async (request, reply) => {
      const force = request.query.force === 'true';
      await service.schemas.delete(principalOf(request), request.params.id, {
        force,
        precondition: preconditionOf(request),
      });
      return reply.code(204).send();
    },
  );
  app.post<{
    Params: SchemaParams;
    Body: { jsonSchema: unknown; changeDescription?: string | null; force?: boolean };
  }>(`${path}/:id/push`, { onRequest, schema: pushSchema, bodyLimit: BODY_BYTES }, async (request, reply) => {
    const pushed = await service.schemas.push(principalOf(request), request.params.id, {
      ...request.body,
      force: request.body.force === true,
      precondition: preconditionOf(request),
    });
    sendEtag(reply, pushed.schema);
    return pushed;
  });
}

/** Returns a function that sends the version of a schema as entity tag, and returns the schema. */
function etagger({ service }: ServerContext): (reply: FastifyReply, schema: StoredSchema) => StoredSchema {
  return (reply, schema) => {
    addEtag(reply, service.schemas.versionOf(schema));
    return schema;
  };
}
