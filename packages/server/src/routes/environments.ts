import type { FastifyInstance } from 'fastify';
import { ENVIRONMENT_NAME, type EnvironmentInput } from '../domain/environments.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { Environment } from '../storage/storage.ts';
import { json, listRef, noBody, ref, writeRefusals } from './api-schemas.ts';
import { CONFIG_PATH, descriptionField, principalOf } from './config-request.ts';

const fields = {
  name: {
    type: 'string',
    minLength: 1,
    maxLength: 100,
    pattern: ENVIRONMENT_NAME,
    description: 'lower-case letters, digits and dashes, with no dash at either end',
  },
  description: descriptionField,
  fallbackEnvironmentId: { type: 'string', minLength: 1, maxLength: 200, nullable: true },
};
const listSchema = {
  operationId: 'listEnvironments',
  summary: 'The environments that the client may use',
  response: { 200: json('The environments', listRef('Environment')) },
};
const createSchema = {
  operationId: 'createEnvironment',
  summary: 'Create an environment',
  body: { type: 'object', required: ['name'], properties: fields },
  response: { 201: json('The environment', ref('Environment')), ...writeRefusals },
};
const patchSchema = {
  operationId: 'changeEnvironment',
  summary: 'Change an environment',
  body: { type: 'object', minProperties: 1, properties: fields },
  response: { 200: json('The environment', ref('Environment')), ...writeRefusals },
};
const deleteSchema = {
  operationId: 'deleteEnvironment',
  summary: 'Delete an environment with its values',
  response: { 204: noBody('Deleted'), ...writeRefusals },
};

/** `…/config/environments` and their fallbacks. */
export function registerEnvironmentsRoutes(app: FastifyInstance, { service, guard }: ServerContext): void {
  const path = `${CONFIG_PATH}/environments`;
  const read = guard({ scope: 'config:read' });
  const write = guard({ scope: 'config:write' });
  app.get(path, { onRequest: read, schema: listSchema }, async (request) => {
    const environments = await service.environments.list(principalOf(request));
    return environments.map(toBody);
  });
  app.post<{ Body: EnvironmentInput & { name: string } }>(
    path,
    { onRequest: write, schema: createSchema },
    async (request, reply) => {
      const environment = await service.environments.create(principalOf(request), inputOf(request.body));
      return reply.code(201).send(toBody(environment));
    },
  );
  app.patch<{ Params: { id: string }; Body: EnvironmentInput }>(
    `${path}/:id`,
    { onRequest: write, schema: patchSchema },
    async (request) => {
      const input = inputOf(request.body);
      return toBody(await service.environments.update(principalOf(request), request.params.id, input));
    },
  );
  app.delete<{ Params: { id: string } }>(
    `${path}/:id`,
    { onRequest: write, schema: deleteSchema },
    async (request, reply) => {
      await service.environments.delete(principalOf(request), request.params.id);
      return reply.code(204).send();
    },
  );
}

/** Only what may be set: further fields of a request are ignored. */
function inputOf<Input extends EnvironmentInput>(body: Input): Pick<Input, keyof EnvironmentInput> {
  const { name, description, fallbackEnvironmentId } = body;
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(fallbackEnvironmentId !== undefined && { fallbackEnvironmentId }),
  } as Pick<Input, keyof EnvironmentInput>;
}

function toBody(environment: Environment): Omit<Environment, 'revision'> {
  const { revision: _, ...body } = environment;
  return body;
}
