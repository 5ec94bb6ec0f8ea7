import type { FastifyInstance } from 'fastify';
import type { AuthClientService, ClientPatch, NewClient } from '../auth/auth-client-service.ts';
import type { ServerContext } from '../http/server-context.ts';
import { SCOPES } from '../principal.ts';
import { json, listRef, noBody, ref, writeRefusals } from './api-schemas.ts';
import { nameField, principalOf } from './config-request.ts';

/** The body of a creation: the type by any of its names. */
type CreateBody = Omit<NewClient, 'type' | 'name'> & { type: keyof typeof CLIENT_TYPES; name?: string };

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
  name: { ...nameField, maxLength: 255 },
  environments: { ...names(100), type: ['array', 'null'] },
  scopes: { ...names(SCOPES.length), items: { enum: SCOPES } },
  allowedOrigins: names(50),
};
/** The platform's tools use the long names. */
const CLIENT_TYPES = {
  m2m: 'm2m',
  b2m: 'b2m',
  'machine-to-machine': 'm2m',
  'browser-to-machine': 'b2m',
} as const;
const listSchema = {
  operationId: 'listAuthClients',
  summary: 'All clients, revoked ones too, oldest first',
  response: { 200: json('The clients', listRef('AuthClient')) },
};
const createSchema = {
  operationId: 'createAuthClient',
  summary: 'Create a client; its credential is shown only in this response',
  body: {
    type: 'object',
    required: ['type'],
    additionalProperties: false,
    properties: { type: { enum: Object.keys(CLIENT_TYPES) }, ...changeable },
  },
  response: { 201: json('The client with its credential', ref('CreatedAuthClient')), ...writeRefusals },
};
const patchSchema = {
  operationId: 'changeAuthClient',
  summary: 'Change a client',
  body: { type: 'object', additionalProperties: false, minProperties: 1, properties: changeable },
  response: { 200: json('The client', ref('AuthClient')), ...writeRefusals },
};
const revokeSchema = {
  operationId: 'revokeAuthClient',
  summary: 'Revoke a client, its tokens and its streams',
  response: { 204: noBody('Revoked'), ...writeRefusals },
};

/** `/organizations/:org/auth-clients`: the clients of the API. A credential is shown once, when it is created. */
export function registerAuthClientRoutes(
  app: FastifyInstance,
  context: ServerContext,
  service: AuthClientService,
): void {
  const onRequest = context.guard({ scope: 'config:admin' });
  const path = '/organizations/:org/auth-clients';
  app.get<{ Params: ClientParams }>(path, { onRequest, schema: listSchema }, (request) =>
    service.list(request.params.org),
  );
  app.post<{ Params: ClientParams; Body: CreateBody }>(
    path,
    { onRequest, schema: createSchema },
    async (request, reply) => {
      const { type, name = `Unnamed ${type} client`, ...rest } = request.body;
      const input = { type: CLIENT_TYPES[type], name, ...rest };
      const created = await service.create(principalOf(request), input);
      const credential =
        'clientSecret' in created
          ? { secretKey: created.clientSecret }
          : { publicKey: created.publishableKey };
      return reply.code(201).send({ ...created, ...credential, type, expiresAt: null });
    },
  );
  app.patch<{ Params: ClientParams; Body: ClientPatch }>(
    `${path}/:id`,
    { onRequest, schema: patchSchema },
    (request) => service.update(principalOf(request), request.params.id, request.body),
  );
  app.delete<{ Params: ClientParams }>(
    `${path}/:id`,
    { onRequest, schema: revokeSchema },
    async (request, reply) => {
      await service.revoke(principalOf(request), request.params.id);
      return reply.code(204).send();
    },
  );
}
