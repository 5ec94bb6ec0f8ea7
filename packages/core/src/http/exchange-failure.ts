import type { TransportReason } from '../errors.ts';

/**
 * No answer, or not the whole of it. Never seen by a user: the caller turns it into an error of ours, with `reason`
 * redacted first, since a network library may put the request in its words.
 */
export class ExchangeFailure extends Error {
  override readonly name = 'ExchangeFailure';
  readonly kind: TransportReason;
  readonly reason: string;
  /** The code of the system or the network library, such as `ECONNREFUSED`. */
  readonly systemCode: string | undefined;

  constructor(kind: TransportReason, reason: string, systemCode?: string) {
    super(kind);
    this.kind = kind;
    this.reason = reason;
    this.systemCode = systemCode;
  }
}

/** What a `fetch` threw, in one line: `fetch failed` says nothing, the reason lies in its causes. */
export function describeFailure(error: unknown): ExchangeFailure {
  let reason = '';
  let code: string | undefined;
  let current: unknown = error;
  for (let depth = 0; depth < 6 && isErrorLike(current); depth++) {
    if (current instanceof ExchangeFailure) return current;
    // FetchError repeats its cause's words after the URL, so the innermost message is the plainest.
    if (current.message !== '') reason = current.message;
    if (typeof current.code === 'string') code = current.code;
    current = current.cause ?? (Array.isArray(current.errors) ? current.errors[0] : undefined);
  }
  // What is no code could be anything, and it goes into an error as it is.
  if (!/^[A-Z][A-Z0-9_]{1,60}$/.test(code ?? '')) code = undefined;
  return new ExchangeFailure(kindOf(code), reason === '' ? 'the network failed' : reason, code);
}

interface ErrorLike {
  message: string;
  code?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** Not by class: where code runs in a context of its own (Jest, edge runtimes), `fetch` throws errors of another realm. */
function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

/** A cause of our own making from a reason that was redacted: the network library's one may hold the whole request. */
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
