import type { JsonValue } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import { MAX_BULK_VALUES } from '../domain/validation/json-limits.ts';
import { TIER_NAMES, type ValueWrite } from '../domain/values.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { StoredValue } from '../storage/storage.ts';
import {
  CONFIG_PATH,
  deletionQuery,
  type EnvironmentQuery,
  environmentQuery,
  principalOf,
} from './config-request.ts';

const id = { type: 'string', minLength: 1, maxLength: 200 };
const valueBody = {
  type: 'object',
  required: ['schemaId', 'environmentId', 'key', 'value', 'tier'],
  properties: {
    schemaId: id,
    environmentId: id,
    key: { type: 'string', minLength: 1, maxLength: 200 },
    value: {},
    tier: { enum: TIER_NAMES },
  },
};
const bulkBody = {
  type: 'object',
  required: ['values'],
  properties: { values: { type: 'array', maxItems: MAX_BULK_VALUES, items: valueBody } },
};
const BULK_BODY_BYTES = 8 * 1024 * 1024;

/** `…/config/values`: the stored values, for clients without targeting: targeted ones are evaluated. */
export function registerValuesRoutes(app: FastifyInstance, context: ServerContext): void {
  registerReads(app, context);
  registerWrites(app, context);
}

function registerReads(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:read', browser: true });
  const schema = { querystring: environmentQuery };
  app.get<{ Querystring: EnvironmentQuery }>(
    `${CONFIG_PATH}/values`,
    { onRequest, schema },
    async (request): Promise<{ values: Record<string, JsonValue> }> => {
      const principal = principalOf(request);
      const view = await service.view(principal, request.query.environment);
      return { values: service.values.list(principal, view) };
    },
  );
  app.get<{ Querystring: EnvironmentQuery; Params: { key: string } }>(
    `${CONFIG_PATH}/values/:key`,
    { onRequest, schema },
    async (request): Promise<{ value: JsonValue }> => {
      const principal = principalOf(request);
      const view = await service.view(principal, request.query.environment);
      return { value: service.values.get(principal, view, request.params.key) };
    },
  );
}

function registerWrites(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = guard({ scope: 'config:write' });
  app.put<{ Body: ValueWrite }>(
    `${CONFIG_PATH}/values`,
    { onRequest, schema: { body: valueBody } },
    async (request) => {
      const [row] = await service.values.set(principalOf(request), [request.body], () => '');
      return row;
    },
  );
  app.put<{ Body: { values: ValueWrite[] } }>(
    `${CONFIG_PATH}/values/bulk`,
    { onRequest, schema: { body: bulkBody }, bodyLimit: BULK_BODY_BYTES },
    async (request): Promise<StoredValue[]> => {
      return service.values.set(principalOf(request), request.body.values, (index) => `/values/${index}`);
    },
  );
  app.delete<{ Querystring: EnvironmentQuery & { force?: string }; Params: { key: string } }>(
    `${CONFIG_PATH}/values/:key`,
    { onRequest, schema: { querystring: deletionQuery } },
    async (request, reply) => {
      const { environment, force } = request.query;
      const { key } = request.params;
      await service.values.delete(principalOf(request), { environment, key, force: force === 'true' });
      return reply.code(204).send();
    },
  );
}
