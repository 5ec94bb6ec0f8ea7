/** The codes of all errors of this package. They are stable: use them in a `switch`. */
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

/** Base of all errors of this package. Messages say what failed and what to do; none contains a secret or token. */
export abstract class ConfigError extends Error {
  abstract override readonly name: string;
  abstract readonly code: ConfigErrorCode;
}

/** The error class with that code; without one, the union of all. `switch (error.code)` narrows it. */
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
 * Whether `error` is an error of this package, and has `code` if one is given. It checks the code, not the class, so it
 * works with two copies of this package in one process.
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

/** Thrown by `defineConfig`, `defineLimit` and `toJsonSchema`; `key` is the key at fault. */
export class SchemaError extends ConfigError {
  override readonly name = 'SchemaError';
  readonly code = 'ERR_SCHEMA_INVALID' as const;
  readonly key: string | undefined;

  constructor(message: string, key?: string) {
    super(message);
    this.key = key;
  }
}

/** An option with an invalid value; `option` is its name. */
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
 * Settings are missing from both the options and the environment. `missing` lists the names of their variables; `malformed`
 * has a message for each setting that is present but invalid.
 */
export class SettingsError extends ConfigError {
  override readonly name = 'SettingsError';
  readonly code = 'ERR_SETTINGS_MISSING' as const;
  readonly missing: readonly string[];
  readonly malformed: readonly string[];

  /** @param notes - further lines of the message. */
  constructor(missing: readonly string[], malformed: readonly string[] = [], notes: readonly string[] = []) {
    const advice = 'Set these environment variables, or pass the matching options to createConfigClient.';
    const lines = missing.length === 0 ? [] : [`Missing settings: ${missing.join(', ')}. ${advice}`];
    super([...lines, ...malformed, ...notes].join('\n'));
    this.missing = missing;
    this.malformed = malformed;
  }
}

/** Why there was no response. `aborted`: by the caller. `network`: anything else, or an unknown cause. */
export type TransportReason = 'timeout' | 'aborted' | 'dns' | 'tls' | 'refused' | 'reset' | 'network';

/** The token endpoint sent no response; `reason` says why. With `aborted`, only this caller stopped waiting. */
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

/** The token endpoint's response was not 2xx; the fields are those of RFC 6749 §5.2. */
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

/** What is wrong with a 2xx response. `expired`: the token expired before the response arrived. */
export type TokenMalformedReason =
  | 'not-json'
  | 'no-token'
  | 'unusable-token'
  | 'token-type'
  | 'too-large'
  | 'expired';

/** The token endpoint's 2xx response has no usable token; `reason` says why. */
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

/** The token endpoint asked for a pause (`Retry-After`) that is not over; no request is sent before its end. */
export class TokenThrottledError extends ConfigError {
  override readonly name = 'TokenThrottledError';
  readonly code = 'ERR_TOKEN_THROTTLED' as const;
  /** Milliseconds from when the error was created until the pause is over. */
  readonly retryAfterMs: number;
  /** The status of the response that asked for the pause. */
  readonly status: number;
  /** Why, in the server's words, if it said so. */
  readonly errorDescription: string | undefined;

  constructor(message: string, details: { retryAfterMs: number; status: number; errorDescription?: string }) {
    super(message);
    this.retryAfterMs = details.retryAfterMs;
    this.status = details.status;
    this.errorDescription = details.errorDescription;
  }
}

/** All errors of a token provider: `switch (error.code)` narrows it. */
export type TokenError =
  | OptionsError
  | TokenTransportError
  | TokenRejectedError
  | TokenMalformedError
  | TokenThrottledError;

/** The config API could not be reached, or its response was incomplete; `reason` says why. */
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

/**
 * The config API's response was not 2xx, or was 2xx and says `"success": false`. `serverMessage` is the `message` of its
 * body, else its `error`.
 */
export class RequestRejectedError extends ConfigError {
  override readonly name = 'RequestRejectedError';
  readonly code = 'ERR_REQUEST_REJECTED' as const;
  readonly status: number;
  readonly serverMessage: string | undefined;
  /** The parsed body, if it is a JSON object. A 409 lists the conflicts in it. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds to wait before the next request, if the server sent `Retry-After`. */
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

/** The config API's 2xx response has a body that does not follow the protocol. */
export class ResponseMalformedError extends ConfigError {
  override readonly name = 'ResponseMalformedError';
  readonly code = 'ERR_RESPONSE_MALFORMED' as const;
}

/** `ready()` took longer than `timeoutMs`; `cause` is the last failure, if any. */
export class ReadyTimeoutError extends ConfigError {
  override readonly name = 'ReadyTimeoutError';
  readonly code = 'ERR_READY_TIMEOUT' as const;
}

/** A value was read before `ready()` resolved, and its schema has no default. */
export class NotReadyError extends ConfigError {
  override readonly name = 'NotReadyError';
  readonly code = 'ERR_NOT_READY' as const;
}

/** A key whose value is missing or does not match its schema; `message` never contains a secret's value. */
export interface InvalidKey {
  key: string;
  code: 'ERR_VALUE_MISSING' | 'ERR_VALUE_INVALID';
  message: string;
}

/** Required values are missing or do not match the schema; `keys` lists all of them. */
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

/** A key has neither a valid value nor a default. */
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

/** The server has no such flag or limit, or no value for it in that environment. */
export class EvaluateNotFoundError extends ConfigError {
  override readonly name = 'EvaluateNotFoundError';
  readonly code = 'ERR_EVALUATE_NOT_FOUND' as const;
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** A context that JSON cannot carry, or that the server refused; then `status` is the status of its response. */
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
 * Why an evaluation failed: no response (a {@link TransportReason}), no token, a status other than 2xx (`rejected`), a
 * response that does not follow the protocol (`malformed`), or a value that does not match the key's schema (`invalid`).
 */
export type EvaluateFailureReason = TransportReason | 'token' | 'rejected' | 'malformed' | 'invalid';

export interface EvaluateFailedDetails {
  reason: EvaluateFailureReason;
  /** The status of the response, with `rejected`. */
  status?: number;
  /** Milliseconds to wait before the next request, if the server sent `Retry-After`. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The server could not be asked to evaluate a flag or limit, or its response cannot be used. */
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
