import { createHash } from 'node:crypto';
import type { EvaluationContext } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { matchesEtag } from '../http/etag.ts';
import type { ServerContext } from '../http/server-context.ts';
import { clip } from '../lib/clip.ts';
import { json, noBody, ref } from './api-schemas.ts';
import { OfrepError, respondInOfrep } from './ofrep-error.ts';
import { evaluateForOfrep, sourceOf } from './ofrep-evaluation.ts';
import { eventStreamsFor, registerOfrepStream } from './ofrep-event-stream.ts';
import { contextOf, readApiKey, viewOf } from './ofrep-request.ts';

const body = { type: 'object', properties: { context: { type: 'object' } } };
const headers = {
  type: 'object',
  properties: { 'X-Config-Environment': { type: 'string', description: 'The name of the environment' } },
};
const flagSchema = {
  operationId: 'ofrepEvaluateFlag',
  summary: 'Evaluate one flag, limit or public value (OFREP)',
  headers,
  body,
  response: { 200: json('The value and why', ref('OfrepEvaluation')) },
};
const flagsSchema = {
  operationId: 'ofrepEvaluateFlags',
  summary: 'Evaluate all flags, limits and public values (OFREP)',
  headers,
  body,
  response: {
    200: json('The values, with an ETag', ref('OfrepEvaluations')),
    304: noBody('The client has these values'),
  },
};
/** `contextOf` and `viewOf` check the request, with the errors of OFREP. */
const validatorCompiler = () => () => true;

const PATH = '/ofrep/v1/evaluate/flags';

/** OFREP 0.3: flags, limits and public values for OpenFeature's own providers in every language. */
export function registerOfrepRoutes(app: FastifyInstance, context: ServerContext): void {
  const { service, guard, counters } = context;
  const onRequest = [readApiKey, guard({ scope: 'config:read', browser: true })];
  app.register(async (scope) => {
    respondInOfrep(scope);
    registerOfrepStream(scope, context);
    scope.post<{ Params: { key: string } }>(
      `${PATH}/:key`,
      { onRequest, schema: flagSchema, validatorCompiler },
      async (request) => {
        const { key } = request.params;
        const attributes = contextOf(request.body);
        const view = await viewOf(service, request);
        const [result] = evaluateForOfrep(view, attributes, new Set([key]));
        if (result !== undefined) {
          counters.evaluated([sourceOf(result)]);
          return { ...result, metadata: { revision: view.revision, ...result.metadata } };
        }
        throw new OfrepError(
          'FLAG_NOT_FOUND',
          `"${clip(key)}" is not a flag, limit or public value of the schema.`,
        );
      },
    );
    scope.post(PATH, { onRequest, schema: flagsSchema, validatorCompiler }, async (request, reply) => {
      const attributes = contextOf(request.body);
      const view = await viewOf(service, request);
      const etag = etagOf(view, attributes);
      // Only the caller itself may store it: the result belongs to its credential and context.
      void reply.headers({
        etag,
        'cache-control': 'private, no-cache',
        vary: 'Authorization, X-API-Key, Origin',
      });
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
      const flags = evaluateForOfrep(view, attributes);
      counters.evaluated(flags.map(sourceOf));
      return {
        flags,
        ...eventStreamsFor(request, view, context),
        metadata: { revision: view.revision, environment: view.environment.name },
      };
    });
  });
}

/** The same values at the same revision, for the same context. */
function etagOf(view: EnvironmentView, context: EvaluationContext): string {
  const parts = [view.environment.id, view.epoch, view.revision, JSON.stringify(context)];
  return `"${createHash('sha256').update(parts.join('\n')).digest('base64url')}"`;
}
