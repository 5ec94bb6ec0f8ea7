import {
  ConfigError,
  EvaluateContextError,
  type EvaluateFailedDetails,
  EvaluateFailedError,
  EvaluateNotFoundError,
  RequestRejectedError,
  RequestTransportError,
} from '../errors.ts';
import type { ExchangeFailure } from '../http/exchange-failure.ts';
import type { KeyDefinition } from '../schema/config-types.ts';
import { tierNames } from '../tiers.ts';

/** Statuses by which a server says that it is the context that it does not take. */
const CONTEXT_REFUSED: ReadonlySet<number> = new Set([400, 413, 422]);

/**
 * What a question to the server failed of, as an error of an evaluation. The words of the server and of the network
 * library are left out: they may repeat the context.
 */
export function describeEvaluationFailure(definition: KeyDefinition, error: unknown): unknown {
  if (error instanceof RequestRejectedError) return describeRefusal(definition, error);
  if (error instanceof RequestTransportError) {
    const why = `no whole answer came (${systemCodeOf(error) ?? error.reason}). Check apiUrl and the network.`;
    return failed(definition, { reason: error.reason, why });
  }
  // A `SettingsError` or a fault of this package is no failure of the server's.
  if (!(error instanceof ConfigError) || !/^ERR_(TOKEN|RESPONSE)_/.test(error.code)) return error;
  const reason = error.code === 'ERR_RESPONSE_MALFORMED' ? 'malformed' : 'token';
  return failed(definition, { reason, cause: error, why: error.message });
}

/** What this caller's wait ended of. */
export function describeEndedWait(definition: KeyDefinition, failure: ExchangeFailure): EvaluateFailedError {
  const remedy = failure.kind === 'timeout' ? ' Check the network, or give "timeoutMs" more.' : '';
  return failed(definition, { reason: failure.kind, why: `${failure.reason}.${remedy}` });
}

/** An answer that is none: of another shape, or refused by the key's schema. */
export function badAnswer(definition: KeyDefinition, reason: 'malformed' | 'invalid'): EvaluateFailedError {
  const why =
    reason === 'malformed'
      ? 'the answer is no evaluation. Check that apiUrl is the base URL of a config API.'
      : 'the value that is stored there is refused by its schema. Correct it, or push the schema that it was stored for.';
  return failed(definition, { reason, why });
}

/** There is nothing that could be evaluated. */
export function evaluationNotFound({ key, tier }: KeyDefinition): EvaluateNotFoundError {
  const { label, group } = tierNames(tier);
  return new EvaluateNotFoundError(
    key,
    `The server has no ${label} "${key}" to evaluate in this environment. Push the schema that declares it under "${group}", give it a value or a default, and check the environment’s name.`,
  );
}

function describeRefusal(definition: KeyDefinition, error: RequestRejectedError): ConfigError {
  const { status, retryAfterMs } = error;
  if (status === 404) return evaluationNotFound(definition);
  if (CONTEXT_REFUSED.has(status)) {
    return new EvaluateContextError(
      definition.key,
      `The server does not take the context that ${nameOf(definition)} was to be evaluated for (${status}). Pass a smaller or flatter one, with only the attributes that the rules need.`,
      { status },
    );
  }
  return failed(definition, {
    reason: 'rejected',
    why: `it answered with ${status}. ${remedyFor(status)}`,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function systemCodeOf({ cause }: RequestTransportError): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403)
    return 'Check that the client’s credentials may read this environment.';
  if (status === 429) return 'Ask less often, or keep answers with "evaluationCache".';
  return status >= 500 ? 'Try again later.' : 'Check that apiUrl is the base URL of a config API.';
}

function failed(
  definition: KeyDefinition,
  { why, ...details }: EvaluateFailedDetails & { why: string },
): EvaluateFailedError {
  const message = `The server could not evaluate ${nameOf(definition)}: ${why}`;
  return new EvaluateFailedError(definition.key, message, details);
}

function nameOf({ key, tier }: KeyDefinition): string {
  return `the ${tierNames(tier).label} "${key}"`;
}
