import type { Evaluation, EvaluationContext, Tier } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import { evaluateKey } from '../domain/snapshot.ts';
import { checkJsonLimits, MAX_CONTEXT_BYTES } from '../domain/validation/json-limits.ts';
import type { ServerContext } from '../http/server-context.ts';
import { json, ref } from './api-schemas.ts';
import { CONFIG_PATH, evaluationBody, principalOf } from './config-request.ts';

interface EvaluateRequest {
  Params: { key: string };
  Body: { environment: string; context?: EvaluationContext };
}

const evaluationSchema = {
  summary: 'Evaluate one key for a context',
  body: evaluationBody,
  response: { 200: json('The value and why', ref('Evaluation')) },
};

/** `…/config/feature-flags/{key}/evaluate` and `…/config/limits/{key}/evaluate`. */
export function registerEvaluateRoutes(
  app: FastifyInstance,
  { service, guard, counters }: ServerContext,
): void {
  const onRequest = guard({ scope: 'config:read', browser: true });
  const routes: readonly [path: string, tier: Tier, operationId: string][] = [
    ['feature-flags', 'feature_flag', 'evaluateFlag'],
    ['limits', 'limit', 'evaluateLimit'],
  ];
  for (const [path, tier, operationId] of routes) {
    app.post<EvaluateRequest>(
      `${CONFIG_PATH}/${path}/:key/evaluate`,
      { onRequest, schema: { ...evaluationSchema, operationId } },
      async (request): Promise<Evaluation> => {
        const { environment, context = {} } = request.body;
        checkJsonLimits(context, 'context', MAX_CONTEXT_BYTES);
        const view = await service.view(principalOf(request), environment);
        const evaluation = evaluateKey(view, { tier, key: request.params.key }, context);
        counters.evaluated([evaluation.source]);
        return evaluation;
      },
    );
  }
}
