import type { JsonValue } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import { MAX_BULK_VALUES } from '../domain/validation/json-limits.ts';
import { TIER_NAMES, type ValueWrite } from '../domain/values.ts';
import { addEtag, preconditionOf, refusePrecondition } from '../http/precondition.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { Principal } from '../principal.ts';
import type { StoredValue } from '../storage/storage.ts';
import { json, listRef, noBody, preconditionFailed, ref, withEtag, writeRefusals } from './api-schemas.ts';
import {
  CONFIG_PATH,
  type EnvironmentQuery,
  environmentQuery,
  optionalDeletionQuery,
  optionalEnvironmentQuery,
  principalOf,
} from './config-request.ts';

const id = { type: 'string', minLength: 1, maxLength: 200 };
const valueBody = {
  type: 'object',
  required: ['schemaId', 'environmentId', 'key', 'value', 'tier'],
  properties: {
    schemaId: id,
    environmentId: id,
    key: { type: 'string', minLength: 1, maxLength: 255 },
    value: {},
    tier: { enum: TIER_NAMES },
  },
};
const listSchema = {
  operationId: 'listValues',
  summary: 'The values of an environment, evaluated for the empty context',
  querystring: environmentQuery,
  response: {
    200: json('The values by key', {
      type: 'object',
      required: ['values'],
      properties: { values: { type: 'object', additionalProperties: true } },
    }),
  },
};
const getSchema = {
  operationId: 'getValue',
  summary: 'The value of a key; without an environment, the stored value of an id',
  querystring: optionalEnvironmentQuery,
  response: {
    200: withEtag(
      json('The value', {
        anyOf: [{ type: 'object', required: ['value'], properties: { value: {} } }, ref('StoredValue')],
      }),
    ),
  },
};
const rowsSchema = {
  summary: 'The stored values of an environment',
  response: { 200: json('The stored values, sorted by key', listRef('StoredValue')) },
};
const valueRefusals = {
  404: json('The schema, environment or key does not exist', ref('Error')),
  ...writeRefusals,
};
const putSchema = {
  operationId: 'putValue',
  summary: 'Set a value',
  body: valueBody,
  response: {
    200: withEtag(json('The stored value', ref('StoredValue'))),
    ...preconditionFailed,
    ...valueRefusals,
  },
};
const bulkSchema = {
  operationId: 'putValues',
  summary: 'Set up to 1,000 values, all or none',
  body: {
    type: 'object',
    required: ['values'],
    properties: { values: { type: 'array', maxItems: MAX_BULK_VALUES, items: valueBody } },
  },
  response: { 200: json('The stored values', listRef('StoredValue')), ...valueRefusals },
};
const deleteSchema = {
  operationId: 'deleteValue',
  summary: 'Delete the value of a key; without an environment, the stored value of an id',
  querystring: optionalDeletionQuery,
  response: {
    204: noBody('Deleted'),
    ...preconditionFailed,
    ...writeRefusals,
  },
};
const BULK_BODY_BYTES = 8 * 1024 * 1024;

/** `…/config/values`: the stored values, for clients without targeting: targeted ones are evaluated. */
export function registerValuesRoutes(app: FastifyInstance, context: ServerContext): void {
  registerReads(app, context);
  registerRows(app, context);
  registerWrites(app, context);
}

function registerReads(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:read', browser: true });
  app.get<{ Querystring: EnvironmentQuery }>(
    `${CONFIG_PATH}/values`,
    { onRequest, schema: listSchema },
    async (request): Promise<{ values: Record<string, JsonValue> }> => {
      const principal = principalOf(request);
      const view = await service.view(principal, request.query.environment);
      return { values: service.values.list(principal, view) };
    },
  );
  app.get<{ Querystring: Partial<EnvironmentQuery>; Params: { key: string } }>(
    `${CONFIG_PATH}/values/:key`,
    { onRequest, schema: getSchema },
    async (request, reply): Promise<{ value: JsonValue } | StoredValue> => {
      const principal = principalOf(request);
      const { environment } = request.query;
      const { key } = request.params;
      // Without an environment it is the id of a value, so that no id hides a key of that name.
      if (environment === undefined) {
        const row = await service.values.getRow(requireMachine(principal), key);
        addEtag(reply, service.values.versionOf(principal, row));
        return row;
      }
      const view = await service.view(principal, environment);
      const value = service.values.get(principal, view, key);
      // Only a client that can write needs it.
      if (principal.type === 'm2m') {
        addEtag(reply, service.values.versionIn(principal, view, key));
      }
      return { value };
    },
  );
}

/** Lists of stored values, as the platform's tools read them. They contain secrets and rules, so they are not for browsers. */
function registerRows(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:read' });
  app.get<{ Params: { id: string } }>(
    `${CONFIG_PATH}/environments/:id/values`,
    { onRequest, schema: { ...rowsSchema, operationId: 'listEnvironmentValues' } },
    (request) => service.values.listRows(principalOf(request), { environmentId: request.params.id }),
  );
  app.get<{ Params: { id: string; environment: string } }>(
    `${CONFIG_PATH}/schemas/:id/environments/:environment/values`,
    { onRequest, schema: { ...rowsSchema, operationId: 'listSchemaValues' } },
    (request) => {
      const { id, environment } = request.params;
      return service.values.listRows(principalOf(request), { environmentId: environment, schemaId: id });
    },
  );
}

function registerWrites(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:write' });
  app.put<{ Body: ValueWrite }>(
    `${CONFIG_PATH}/values`,
    { onRequest, schema: putSchema },
    async (request, reply) => {
      const principal = principalOf(request);
      const row = await service.values.setOne(principal, request.body, preconditionOf(request));
      addEtag(reply, service.values.versionOf(principal, row));
      return row;
    },
  );
  app.put<{ Body: { values: ValueWrite[] } }>(
    `${CONFIG_PATH}/values/bulk`,
    { onRequest, schema: bulkSchema, bodyLimit: BULK_BODY_BYTES },
    async (request): Promise<StoredValue[]> => {
      refusePrecondition(request);
      return service.values.set(principalOf(request), request.body.values, (index) => `/values/${index}`);
    },
  );
  app.delete<{ Querystring: Partial<EnvironmentQuery> & { force?: string }; Params: { key: string } }>(
    `${CONFIG_PATH}/values/:key`,
    { onRequest, schema: deleteSchema },
    async (request, reply) => {
      const principal = principalOf(request);
      const { environment } = request.query;
      const { key } = request.params;
      const condition = { force: request.query.force === 'true', precondition: preconditionOf(request) };
      if (environment === undefined) await service.values.deleteRow(principal, { id: key, ...condition });
      else await service.values.delete(principal, { environment, key, ...condition });
      return reply.code(204).send();
    },
  );
}

function requireMachine(principal: Principal): Principal {
  if (principal.type === 'm2m') return principal;
  throw new Refusal('invalid', 'Query parameter "environment" is required with a publishable key.');
}
