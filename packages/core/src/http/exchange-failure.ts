import type { TransportReason } from '../errors.ts';

/**
 * No response, or only part of one. Users never see it: callers convert it to a public error and redact `reason` first,
 * because a network library may quote the request in its message.
 */
export class ExchangeFailure extends Error {
  override readonly name = 'ExchangeFailure';
  readonly kind: TransportReason;
  readonly reason: string;
  /** The error code of the operating system or the network library, such as `ECONNREFUSED`. */
  readonly systemCode: string | undefined;
  /** A further sentence for the user, starting with a space; or an empty string. It contains nothing foreign. */
  hint = '';

  constructor(kind: TransportReason, reason: string, systemCode?: string) {
    super(kind);
    this.kind = kind;
    this.reason = reason;
    this.systemCode = systemCode;
  }
}

/** Describes what `fetch` threw. `fetch failed` says nothing, so the causes are searched for the reason. */
export function describeFailure(error: unknown): ExchangeFailure {
  let reason = '';
  let code: string | undefined;
  let current: unknown = error;
  for (let depth = 0; depth < 6 && isErrorLike(current); depth++) {
    if (current instanceof ExchangeFailure) return current;
    // The innermost message is the plainest; outer ones often repeat it after the URL.
    if (current.message !== '') reason = current.message;
    if (typeof current.code === 'string') code = current.code;
    current = current.cause ?? (Array.isArray(current.errors) ? current.errors[0] : undefined);
  }
  // The code goes into an error unredacted, so anything that does not look like one is dropped.
  if (!/^[A-Z][A-Z0-9_]{1,60}$/.test(code ?? '')) code = undefined;
  return new ExchangeFailure(kindOf(code), reason === '' ? 'the network failed' : reason, code);
}

interface ErrorLike {
  message: string;
  code?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** Not `instanceof Error`: in Jest and edge runtimes `fetch` throws errors of another realm. */
function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

/** A `cause` built from a redacted reason, because the network library's own error may hold the whole request. */
export function transportCause(failure: ExchangeFailure, reason: string): Error {
  const cause = new Error(reason);
  cause.name =
    failure.kind === 'timeout' ? 'TimeoutError' : failure.kind === 'aborted' ? 'AbortError' : 'NetworkError';
  return failure.systemCode === undefined ? cause : Object.assign(cause, { code: failure.systemCode });
}

const KINDS: readonly (readonly [RegExp, TransportReason])[] = [
  [/^ECONNREFUSED$/, 'refused'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'reset'],
  [/TIMEDOUT$|^UND_ERR_\w+_TIMEOUT$/, 'timeout'],
  [/^(ENOTFOUND|ENODATA|EAI_\w+)$/, 'dns'],
  [/CERT|^(ERR_TLS|ERR_SSL)_|^(EPROTO|HOSTNAME_MISMATCH|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/, 'tls'],
];

function kindOf(code: string | undefined): TransportReason {
  if (code === undefined) return 'network';
  return KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'network';
}
