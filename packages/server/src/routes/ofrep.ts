import { createHash } from 'node:crypto';
import type { EvaluationContext } from '@smooai/config';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Refusal } from '../domain/refusal.ts';
import { checkJsonLimits, MAX_CONTEXT_BYTES } from '../domain/validation/json-limits.ts';
import { matchesEtag } from '../http/etag.ts';
import type { ServerContext } from '../http/server-context.ts';
import { clip } from '../lib/clip.ts';
import { isRecord } from '../lib/record.ts';
import { principalOf } from './config-request.ts';
import { asOfrepError, OfrepError, respondInOfrep } from './ofrep-error.ts';
import { evaluateForOfrep } from './ofrep-evaluation.ts';

const PATH = '/ofrep/v1/evaluate/flags';
const ENVIRONMENT_HEADER = 'x-config-environment';

/** OFREP 0.3: flags, limits and public values for OpenFeature's own providers in every language. */
export function registerOfrepRoutes(app: FastifyInstance, { service, guard }: ServerContext): void {
  const onRequest = [readApiKey, guard({ scope: 'config:read', browser: true })];
  const viewOf = (request: FastifyRequest): Promise<EnvironmentView> =>
    service.view(principalOf(request), environmentOf(request)).catch((error: unknown) => {
      // A 404 would say that the flag does not exist.
      const isUnknown = error instanceof Refusal && error.code === 'not-found';
      throw isUnknown ? new OfrepError('GENERAL', error.message) : error;
    });
  app.register(async (scope) => {
    respondInOfrep(scope);
    scope.post<{ Params: { key: string } }>(`${PATH}/:key`, { onRequest }, async (request) => {
      const { key } = request.params;
      const context = contextOf(request.body);
      const [result] = evaluateForOfrep(await viewOf(request), context, new Set([key]));
      if (result !== undefined) return result;
      throw new OfrepError(
        'FLAG_NOT_FOUND',
        `"${clip(key)}" is not a flag, limit or public value of the schema.`,
      );
    });
    scope.post(PATH, { onRequest }, async (request, reply) => {
      const context = contextOf(request.body);
      const view = await viewOf(request);
      const etag = etagOf(view, context);
      // Only the caller itself may store it: the result belongs to its credential and context.
      void reply.headers({
        etag,
        'cache-control': 'private, no-cache',
        vary: 'Authorization, X-API-Key, Origin',
      });
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
      return {
        flags: evaluateForOfrep(view, context),
        metadata: { revision: view.revision, environment: view.environment.name },
      };
    });
  });
}

/** `X-API-Key` may have what a bearer token has. A request with both headers is judged by `Authorization`. */
const readApiKey: onRequestHookHandler = ({ headers }, _reply, done) => {
  const key = headers['x-api-key'];
  if (headers.authorization === undefined && typeof key === 'string') headers.authorization = `Bearer ${key}`;
  done();
};

/** OFREP has no field for it: a credential of one environment names it, others need the header. */
function environmentOf(request: FastifyRequest): string {
  const named = request.headers[ENVIRONMENT_HEADER];
  if (typeof named === 'string' && named !== '') return named;
  const [only, ...others] = principalOf(request).environments ?? [];
  if (only !== undefined && others.length === 0) return only;
  throw new OfrepError(
    'GENERAL',
    'The environment is unknown: send its name in the header "X-Config-Environment", or use a credential of one environment.',
  );
}

function contextOf(body: unknown): EvaluationContext {
  if (!isRecord(body)) throw new OfrepError('PARSE_ERROR', 'The body must be a JSON object.');
  const { context = {} } = body;
  if (!isRecord(context)) throw new OfrepError('INVALID_CONTEXT', 'Field "context" must be an object.');
  asOfrepError('INVALID_CONTEXT', () => checkJsonLimits(context, 'context', MAX_CONTEXT_BYTES));
  return context;
}

/** The same values at the same revision, for the same context. */
function etagOf(view: EnvironmentView, context: EvaluationContext): string {
  const parts = [view.environment.id, view.epoch, view.revision, JSON.stringify(context)];
  return `"${createHash('sha256').update(parts.join('\n')).digest('base64url')}"`;
}
