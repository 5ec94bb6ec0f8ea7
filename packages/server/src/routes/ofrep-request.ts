import type { EvaluationContext } from '@smooai/config';
import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import type { ConfigService } from '../domain/config-service.ts';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Refusal } from '../domain/refusal.ts';
import { checkJsonLimits, MAX_CONTEXT_BYTES } from '../domain/validation/json-limits.ts';
import { isRecord } from '../lib/record.ts';
import { principalOf } from './config-request.ts';
import { asOfrepError, OfrepError } from './ofrep-error.ts';

const ENVIRONMENT_HEADER = 'x-config-environment';

/** `X-API-Key` may have what a bearer token has. A request with both headers is judged by `Authorization`. */
export const readApiKey: onRequestHookHandler = ({ headers }, _reply, done) => {
  const key = headers['x-api-key'];
  if (headers.authorization === undefined && typeof key === 'string') headers.authorization = `Bearer ${key}`;
  done();
};

/**
 * The view of the environment that a request is about.
 * @param named the name of the environment, if the request has it elsewhere than in the header
 */
export async function viewOf(
  service: ConfigService,
  request: FastifyRequest,
  named?: string,
): Promise<EnvironmentView> {
  try {
    return await service.view(principalOf(request), environmentOf(request, named));
  } catch (error) {
    // A 404 would say that the flag does not exist.
    const isUnknown = error instanceof Refusal && error.code === 'not-found';
    throw isUnknown ? new OfrepError('GENERAL', error.message) : error;
  }
}

/** OFREP has no field for it: a credential of one environment names it, others need the header. */
function environmentOf(request: FastifyRequest, named = request.headers[ENVIRONMENT_HEADER]): string {
  if (typeof named === 'string' && named !== '') return named;
  const [only, ...others] = principalOf(request).environments ?? [];
  if (only !== undefined && others.length === 0) return only;
  throw new OfrepError(
    'GENERAL',
    'The environment is unknown: send its name in the header "X-Config-Environment", or use a credential of one environment.',
  );
}

/** The evaluation context in a body. */
export function contextOf(body: unknown): EvaluationContext {
  if (!isRecord(body)) throw new OfrepError('PARSE_ERROR', 'The body must be a JSON object.');
  const { context = {} } = body;
  if (!isRecord(context)) throw new OfrepError('INVALID_CONTEXT', 'Field "context" must be an object.');
  asOfrepError('INVALID_CONTEXT', () => checkJsonLimits(context, 'context', MAX_CONTEXT_BYTES));
  return context;
}
