/** Codes of every error that this package throws or reports; stable, meant for `switch`. */
export type ConfigErrorCode =
  | 'ERR_SCHEMA_INVALID'
  | 'ERR_OPTIONS_INVALID'
  | 'ERR_SETTINGS_MISSING'
  | 'ERR_TOKEN_TRANSPORT'
  | 'ERR_TOKEN_REJECTED'
  | 'ERR_TOKEN_MALFORMED'
  | 'ERR_TOKEN_THROTTLED'
  | 'ERR_REQUEST_TRANSPORT'
  | 'ERR_REQUEST_REJECTED'
  | 'ERR_RESPONSE_MALFORMED'
  | 'ERR_NOT_READY'
  | 'ERR_READY_TIMEOUT'
  | 'ERR_VALUES_INVALID'
  | 'ERR_VALUE_MISSING'
  | 'ERR_KEY_UNKNOWN'
  | 'ERR_EVALUATE_NOT_FOUND'
  | 'ERR_EVALUATE_CONTEXT'
  | 'ERR_EVALUATE_FAILED'
  | 'ERR_CLIENT_CLOSED';

/** Base of all errors of this package. Messages say what failed and what to do; none carries a secret or a token. */
export abstract class ConfigError extends Error {
  abstract override readonly name: string;
  abstract readonly code: ConfigErrorCode;
}

/** The error of a code, with all that it carries; without one, any of ours: `switch (error.code)` narrows it. */
export type ConfigErrorOf<Code extends ConfigErrorCode = ConfigErrorCode> = Extract<
  | SchemaError
  | SettingsError
  | TokenError
  | RequestTransportError
  | RequestRejectedError
  | ResponseMalformedError
  | ReadyTimeoutError
  | ValuesInvalidError
  | NotReadyError
  | ValueMissingError
  | UnknownKeyError
  | EvaluateNotFoundError
  | EvaluateContextError
  | EvaluateFailedError
  | ClientClosedError,
  { code: Code }
>;

/**
 * Whether `error` is one of ours, with that code if one is given; it is then of that error's type.
 * It goes by the code, not the class, so that two copies of this package in one process still match.
 *
 * @example
 * if (isConfigError(error, 'ERR_VALUES_INVALID')) report(error.keys);
 */
export function isConfigError<Code extends ConfigErrorCode = ConfigErrorCode>(
  error: unknown,
  code?: Code,
): error is ConfigErrorOf<Code> {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return code === undefined ? CODES.has(error.code) : error.code === code;
}

/** A definition that `defineConfig` or `defineLimit` refuses; `key` is the key at fault. */
export class SchemaError extends ConfigError {
  override readonly name = 'SchemaError';
  readonly code = 'ERR_SCHEMA_INVALID' as const;
  readonly key: string | undefined;

  constructor(message: string, key?: string) {
    super(message);
    this.key = key;
  }
}

/** An option with a wrong value; `option` is its name. */
export class OptionsError extends ConfigError {
  override readonly name = 'OptionsError';
  readonly code = 'ERR_OPTIONS_INVALID' as const;
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/**
 * Settings that neither the options nor the environment hold; `missing` lists them all by variable name, and `malformed`
 * what is wrong with those that are there.
 */
export class SettingsError extends ConfigError {
  override readonly name = 'SettingsError';
  readonly code = 'ERR_SETTINGS_MISSING' as const;
  readonly missing: readonly string[];
  readonly malformed: readonly string[];

  constructor(missing: readonly string[], malformed: readonly string[] = []) {
    const advice =
      'Set these environment variables, or pass the options of the same meaning to createConfigClient.';
    const lacks = missing.length === 0 ? [] : [`Missing settings: ${missing.join(', ')}. ${advice}`];
    super([...lacks, ...malformed].join('\n'));
    this.missing = missing;
    this.malformed = malformed;
  }
}

/** Why no answer came; `network` is all else, also where the `fetch` does not tell. `aborted`: the caller did. */
export type TransportReason = 'timeout' | 'aborted' | 'dns' | 'tls' | 'refused' | 'reset' | 'network';

/** The token endpoint gave no answer; `reason` says why. With `aborted` only this caller stopped waiting. */
export class TokenTransportError extends ConfigError {
  override readonly name = 'TokenTransportError';
  readonly code = 'ERR_TOKEN_TRANSPORT' as const;
  readonly reason: TransportReason;

  /** @param details - `reason`: default `network`. */
  constructor(message: string, details: { reason?: TransportReason; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = details.reason ?? 'network';
  }
}

/** The token endpoint answered with another status than 2xx; the fields are those of RFC 6749 §5.2. */
export class TokenRejectedError extends ConfigError {
  override readonly name = 'TokenRejectedError';
  readonly code = 'ERR_TOKEN_REJECTED' as const;
  readonly status: number;
  readonly error: string | undefined;
  readonly errorDescription: string | undefined;
  readonly errorUri: string | undefined;

  constructor(
    message: string,
    details: { status: number; error?: string; errorDescription?: string; errorUri?: string },
  ) {
    super(message);
    this.status = details.status;
    this.error = details.error;
    this.errorDescription = details.errorDescription;
    this.errorUri = details.errorUri;
  }
}

/** What is wrong with a 2xx answer; `expired`: the token's life was over before the answer was here. */
export type TokenMalformedReason =
  | 'not-json'
  | 'no-token'
  | 'unusable-token'
  | 'token-type'
  | 'too-large'
  | 'expired';

/** The token endpoint answered 2xx with something that is no usable token; `reason` says what. */
export class TokenMalformedError extends ConfigError {
  override readonly name = 'TokenMalformedError';
  readonly code = 'ERR_TOKEN_MALFORMED' as const;
  readonly reason: TokenMalformedReason;

  /** @param details - `reason`: default `unusable-token`. */
  constructor(message: string, details: { reason?: TokenMalformedReason } = {}) {
    super(message);
    this.reason = details.reason ?? 'unusable-token';
  }
}

/** The token endpoint asked for a pause (`Retry-After`) that is not over; nothing is sent before. */
export class TokenThrottledError extends ConfigError {
  override readonly name = 'TokenThrottledError';
  readonly code = 'ERR_TOKEN_THROTTLED' as const;
  /** Milliseconds, from when the error was made, until it is worth asking again. */
  readonly retryAfterMs: number;
  /** The status that asked for the pause. */
  readonly status: number;

  constructor(message: string, details: { retryAfterMs: number; status: number }) {
    super(message);
    this.retryAfterMs = details.retryAfterMs;
    this.status = details.status;
  }
}

/** Every error of a token provider: `switch (error.code)` narrows it. */
export type TokenError =
  | OptionsError
  | TokenTransportError
  | TokenRejectedError
  | TokenMalformedError
  | TokenThrottledError;

/** The config API could not be reached, or its answer did not come whole; `reason` tells why. */
export class RequestTransportError extends ConfigError {
  override readonly name = 'RequestTransportError';
  readonly code = 'ERR_REQUEST_TRANSPORT' as const;
  readonly reason: TransportReason;

  /** @param details - `reason`: default `network`. */
  constructor(message: string, details: { reason?: TransportReason; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = details.reason ?? 'network';
  }
}

/** The config API answered with another status than 2xx; `serverMessage` is the `message` of its body. */
export class RequestRejectedError extends ConfigError {
  override readonly name = 'RequestRejectedError';
  readonly code = 'ERR_REQUEST_REJECTED' as const;
  readonly status: number;
  readonly serverMessage: string | undefined;
  /** The parsed body of the answer, where it is a JSON object: 409 answers carry lists in it. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds after which the server wants to be asked again, where it said so (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    details: {
      status: number;
      serverMessage?: string;
      body?: Readonly<Record<string, unknown>>;
      retryAfterMs?: number;
    },
  ) {
    super(message);
    this.status = details.status;
    this.serverMessage = details.serverMessage;
    this.body = details.body;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The config API answered 2xx with a body of another shape than the protocol's. */
export class ResponseMalformedError extends ConfigError {
  override readonly name = 'ResponseMalformedError';
  readonly code = 'ERR_RESPONSE_MALFORMED' as const;
}

/** `ready()` took longer than `timeoutMs`; `cause` is the last failure, where it was told. */
export class ReadyTimeoutError extends ConfigError {
  override readonly name = 'ReadyTimeoutError';
  readonly code = 'ERR_READY_TIMEOUT' as const;
}

/** A value was read before `ready()` was done, and the schema has no default for it. */
export class NotReadyError extends ConfigError {
  override readonly name = 'NotReadyError';
  readonly code = 'ERR_NOT_READY' as const;
}

/** One key whose value is missing or refused by its schema; `message` never holds a secret's value. */
export interface InvalidKey {
  key: string;
  code: 'ERR_VALUE_MISSING' | 'ERR_VALUE_INVALID';
  message: string;
}

/** Required values are missing or refused by the schema; `keys` lists them all. */
export class ValuesInvalidError extends ConfigError {
  override readonly name = 'ValuesInvalidError';
  readonly code = 'ERR_VALUES_INVALID' as const;
  readonly keys: readonly InvalidKey[];

  constructor(environment: string, keys: readonly InvalidKey[], details: { cause?: unknown } = {}) {
    super(
      `${keys.length} value(s) of environment "${environment}" are missing or invalid:\n${keys
        .map((entry) => `  - ${entry.message}`)
        .join('\n')}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.keys = keys;
  }
}

/** A key that has no valid value and no default. */
export class ValueMissingError extends ConfigError {
  override readonly name = 'ValueMissingError';
  readonly code = 'ERR_VALUE_MISSING' as const;
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** A key that the schema does not declare in that tier. */
export class UnknownKeyError extends ConfigError {
  override readonly name = 'UnknownKeyError';
  readonly code = 'ERR_KEY_UNKNOWN' as const;
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** The server has no such flag or limit, or nothing to evaluate for it in that environment. */
export class EvaluateNotFoundError extends ConfigError {
  override readonly name = 'EvaluateNotFoundError';
  readonly code = 'ERR_EVALUATE_NOT_FOUND' as const;
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** A context that is no JSON, or that the server does not take; `status` is what it answered, where it was asked. */
export class EvaluateContextError extends ConfigError {
  override readonly name = 'EvaluateContextError';
  readonly code = 'ERR_EVALUATE_CONTEXT' as const;
  readonly key: string;
  readonly status: number | undefined;

  constructor(key: string, message: string, details: { status?: number } = {}) {
    super(message);
    this.key = key;
    this.status = details.status;
  }
}

/**
 * Why an evaluation failed: no answer in time (a {@link TransportReason}), no token, another status than 2xx, an answer
 * of another shape (`malformed`), or a value that the key's schema refuses (`invalid`).
 */
export type EvaluateFailureReason = TransportReason | 'token' | 'rejected' | 'malformed' | 'invalid';

/** The particulars of an {@link EvaluateFailedError}. */
export interface EvaluateFailedDetails {
  reason: EvaluateFailureReason;
  /** What the server answered, with `rejected`. */
  status?: number;
  /** Milliseconds after which the server wants to be asked again, where it said so (`Retry-After`). */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The server's evaluation of a flag or limit did not come, or is none. */
export class EvaluateFailedError extends ConfigError {
  override readonly name = 'EvaluateFailedError';
  readonly code = 'ERR_EVALUATE_FAILED' as const;
  readonly key: string;
  readonly reason: EvaluateFailureReason;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(key: string, message: string, details: EvaluateFailedDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.key = key;
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The client was closed. */
export class ClientClosedError extends ConfigError {
  override readonly name = 'ClientClosedError';
  readonly code = 'ERR_CLIENT_CLOSED' as const;

  constructor(message = 'The config client was closed. Create a new one with createConfigClient.') {
    super(message);
  }
}

const CODES: ReadonlySet<string> = new Set<ConfigErrorCode>([
  'ERR_SCHEMA_INVALID',
  'ERR_OPTIONS_INVALID',
  'ERR_SETTINGS_MISSING',
  'ERR_TOKEN_TRANSPORT',
  'ERR_TOKEN_REJECTED',
  'ERR_TOKEN_MALFORMED',
  'ERR_TOKEN_THROTTLED',
  'ERR_REQUEST_TRANSPORT',
  'ERR_REQUEST_REJECTED',
  'ERR_RESPONSE_MALFORMED',
  'ERR_NOT_READY',
  'ERR_READY_TIMEOUT',
  'ERR_VALUES_INVALID',
  'ERR_VALUE_MISSING',
  'ERR_KEY_UNKNOWN',
  'ERR_EVALUATE_NOT_FOUND',
  'ERR_EVALUATE_CONTEXT',
  'ERR_EVALUATE_FAILED',
  'ERR_CLIENT_CLOSED',
]);
