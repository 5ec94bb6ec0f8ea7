import { settingName } from '../environment-variable.ts';
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

/** Statuses with which a server rejects the context. */
const CONTEXT_REJECTED: ReadonlySet<number> = new Set([400, 413, 422]);
const CHECK_API = `Check that ${settingName('apiUrl')} is the base URL of a config API.`;

/**
 * Turns the error of an evaluation request into the one that `evaluateFlag` and `evaluateLimit` throw. Messages of
 * the server and of the network library are left out: they may repeat the context.
 */
export function evaluationError(definition: KeyDefinition, error: unknown): unknown {
  if (error instanceof RequestRejectedError) return rejection(definition, error);
  if (error instanceof RequestTransportError) {
    const why = `no complete response arrived (${systemCodeOf(error) ?? error.reason}). Check ${settingName('apiUrl')} and the network.`;
    return failed(definition, { reason: error.reason, why });
  }
  // A `SettingsError` or an error in this package was not caused by the server.
  if (!(error instanceof ConfigError) || !/^ERR_(TOKEN|RESPONSE)_/.test(error.code)) return error;
  const reason = error.code === 'ERR_RESPONSE_MALFORMED' ? 'malformed' : 'token';
  return failed(definition, { reason, cause: error, why: error.message });
}

/** This caller's timeout passed, or its signal aborted. */
export function waitError(definition: KeyDefinition, failure: ExchangeFailure): EvaluateFailedError {
  const remedy = failure.kind === 'timeout' ? ' Check the network, or raise "timeoutMs".' : '';
  return failed(definition, { reason: failure.kind, why: `${failure.reason}.${remedy}` });
}

/** The result is unusable: `malformed`: it is not an evaluation; `invalid`: the key's schema rejects the value. */
export function resultError(definition: KeyDefinition, reason: 'malformed' | 'invalid'): EvaluateFailedError {
  const why =
    reason === 'malformed'
      ? `the response is not an evaluation. ${CHECK_API}`
      : 'the schema rejects the stored value. Correct the value, or push the schema that it was stored for.';
  return failed(definition, { reason, why });
}

export function notFoundError({ key, tier }: KeyDefinition): EvaluateNotFoundError {
  const { label, group } = tierNames(tier);
  return new EvaluateNotFoundError(
    key,
    `The server has no ${label} "${key}" to evaluate in this environment. Push the schema that declares it under "${group}", give it a value or a default, and check the name of the environment.`,
  );
}

function rejection(definition: KeyDefinition, error: RequestRejectedError): ConfigError {
  const { status, retryAfterMs } = error;
  if (status === 404) return notFoundError(definition);
  if (CONTEXT_REJECTED.has(status)) {
    return new EvaluateContextError(
      definition.key,
      `The server rejected the context for ${nameOf(definition)} (status ${status}). Pass a smaller or flatter one, with only the attributes that the rules need.`,
      { status },
    );
  }
  return failed(definition, {
    reason: 'rejected',
    why: `it responded with status ${status}. ${remedyFor(status)}`,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function systemCodeOf({ cause }: RequestTransportError): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return 'Check that the client is allowed to read this environment.';
  if (status === 429) return 'Evaluate less often, or set "evaluationCache".';
  return status >= 500 ? 'Try again later.' : CHECK_API;
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
