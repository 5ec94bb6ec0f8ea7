import type { FastifyInstance } from 'fastify';
import type { AuthClientService, ClientPatch, NewClient } from '../auth/auth-client-service.ts';
import type { ServerContext } from '../http/server-context.ts';
import { SCOPES } from '../principal.ts';
import { nameField, principalOf } from './config-request.ts';

interface ClientParams {
  org: string;
  id: string;
}

const names = (maxItems: number) => ({
  type: 'array',
  maxItems,
  uniqueItems: true,
  items: { type: 'string', minLength: 1, maxLength: 300 },
});
const changeable = {
  name: nameField,
  environments: { ...names(100), type: ['array', 'null'] },
  scopes: { ...names(SCOPES.length), items: { enum: SCOPES } },
  allowedOrigins: names(50),
};
const createSchema = {
  body: {
    type: 'object',
    required: ['type', 'name'],
    additionalProperties: false,
    properties: { type: { enum: ['m2m', 'b2m'] }, ...changeable },
  },
};
const patchSchema = {
  body: { type: 'object', additionalProperties: false, minProperties: 1, properties: changeable },
};

/** `/organizations/:org/auth-clients`: the clients of the API. A credential is shown once, when it is created. */
export function registerAuthClientRoutes(
  app: FastifyInstance,
  context: ServerContext,
  service: AuthClientService,
): void {
  const onRequest = context.guard({ scope: 'config:admin' });
  const path = '/organizations/:org/auth-clients';
  app.get<{ Params: ClientParams }>(path, { onRequest }, (request) => service.list(request.params.org));
  app.post<{ Params: ClientParams; Body: NewClient }>(
    path,
    { onRequest, schema: createSchema },
    async (request, reply) => {
      const created = await service.create(principalOf(request), request.body);
      return reply.code(201).send(created);
    },
  );
  app.patch<{ Params: ClientParams; Body: ClientPatch }>(
    `${path}/:id`,
    { onRequest, schema: patchSchema },
    (request) => service.update(principalOf(request), request.params.id, request.body),
  );
  app.delete<{ Params: ClientParams }>(`${path}/:id`, { onRequest }, async (request, reply) => {
    await service.revoke(principalOf(request), request.params.id);
    return reply.code(204).send();
  });
}
