import {
  OptionsError,
  type TokenError,
  TokenMalformedError,
  type TokenMalformedReason,
  TokenRejectedError,
  TokenThrottledError,
  TokenTransportError,
} from '../errors.ts';
import { describeFailure, ExchangeFailure, transportCause } from '../http/exchange-failure.ts';
import { createRedactor, redact } from '../http/redact.ts';
import { isTransientReason, isTransientStatus } from '../http/transient-failure.ts';
import type { Throttle } from './exchange-pace.ts';

/** RFC 6749 §5.2 and RFC 8707 §2: refusals that stay the same until the client or the request is changed. */
const PERMANENT_ERRORS: readonly (string | undefined)[] = [
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_grant_type',
];

/** Matches a message that repeats the form that was sent. */
const ECHOED_FORM = /grant_type["'\\]*\s*[=:]/i;

const MALFORMED_REASONS: Readonly<Record<TokenMalformedReason, string>> = {
  'not-json': 'is not a JSON object',
  'no-token': 'has no access_token',
  'unusable-token': 'has an access_token that cannot be sent in a header',
  'token-type': 'has a token_type other than Bearer',
  'too-large': 'is larger than 64 KiB',
  expired: 'arrived after its token had expired',
};

/** Builds a provider's errors. None of them repeats a secret, a token, the form or an unredacted response. */
export class TokenErrors {
  readonly #tokenUrl: string;
  #lastToken: string | undefined;

  constructor(tokenUrl: string) {
    this.#tokenUrl = tokenUrl;
  }

  /** Redacts this token from all further errors, in place of the previous one. */
  redactToken(token: string): void {
    this.#lastToken = token;
  }

  transport(error: unknown, secrets: readonly string[]): TokenTransportError {
    const failure = redactFailure(describeFailure(error), this.#withLastToken(secrets));
    return new TokenTransportError(
      `The token endpoint ${this.#tokenUrl} could not be reached: ${failure.reason}. Check authUrl and the network.${failure.hint}`,
      { reason: failure.kind, cause: transportCause(failure, failure.reason) },
    );
  }

  malformed(reason: TokenMalformedReason): TokenMalformedError {
    return new TokenMalformedError(
      `The response of the token endpoint ${this.#tokenUrl} ${MALFORMED_REASONS[reason]}. Check that authUrl is the OAuth issuer.`,
      { reason },
    );
  }

  rejected(
    status: number,
    body: Readonly<Record<string, unknown>> | undefined,
    secrets: readonly string[],
  ): TokenRejectedError {
    const clean = createRedactor([...this.#withLastToken(secrets), ...tokensIn(body)]);
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' && !ECHOED_FORM.test(value) ? clean(value) || undefined : undefined;
    const code = text(body?.error);
    // Only an error code, not free text.
    const error = code !== undefined && /^[\w.:/-]{1,100}$/.test(code) ? code : undefined;
    const errorDescription = text(body?.error_description) ?? text(body?.message);
    const errorUri = readErrorUri(text(body?.error_uri));
    const details = [String(status), error, errorDescription && `(${errorDescription})`]
      .filter(Boolean)
      .join(' ');
    return new TokenRejectedError(
      `The token endpoint ${this.#tokenUrl} refused the exchange: ${details}. ${remedy(status, error)}`,
      {
        status,
        ...(error !== undefined && { error }),
        ...(errorDescription !== undefined && { errorDescription }),
        ...(errorUri !== undefined && { errorUri }),
      },
    );
  }

  /** @param throttle - `description`: why, in the server's words, from which secrets were removed */
  throttled(retryAfterMs: number, { status, description }: Throttle): TokenThrottledError {
    const seconds = Math.ceil(retryAfterMs / 1000);
    const reason = description === undefined ? '' : `: ${description.replace(/\.?$/, '.')}`;
    const pause = `asked for a pause of ${seconds} s`;
    return new TokenThrottledError(
      `The token endpoint ${this.#tokenUrl} returned ${status}${reason === '' ? ` and ${pause}.` : `${reason} It ${pause}.`}`,
      {
        retryAfterMs: Math.ceil(retryAfterMs),
        status,
        ...(description !== undefined && { errorDescription: description }),
      },
    );
  }

  /** The caller aborted its wait. `lastError` is how the exchange has failed so far. */
  aborted(lastError?: TokenError): TokenTransportError {
    const last = lastError === undefined ? '' : ` The last attempt failed: ${lastError.message}`;
    return new TokenTransportError(`The caller aborted the wait for a token from ${this.#tokenUrl}.${last}`, {
      reason: 'aborted',
      cause: transportCause(new ExchangeFailure('aborted', '', 'ABORT_ERR'), 'the caller aborted it'),
    });
  }

  /** Leaves out what the function threw, because that may contain a path or the secret itself. */
  secretFunction(problem: 'failed' | 'did not return a non-empty string'): OptionsError {
    return new OptionsError('clientSecret', `The "clientSecret" function ${problem}. Check the function.`);
  }

  #withLastToken(secrets: readonly string[]): readonly string[] {
    return this.#lastToken === undefined ? secrets : [...secrets, this.#lastToken];
  }
}

/** Whether another attempt may succeed although nothing has changed. */
export function isTransientTokenError(error: TokenError): boolean {
  if (error.code === 'ERR_TOKEN_TRANSPORT') return isTransientReason(error.reason);
  if (error.code === 'ERR_TOKEN_REJECTED') return isTransientRefusal(error);
  return error.code === 'ERR_TOKEN_MALFORMED' && error.reason === 'expired';
}

/** Whether a refusal is about the server's state rather than about the client. */
export function isTransientRefusal({ status, error }: Pick<TokenRejectedError, 'status' | 'error'>): boolean {
  // RFC 6749 has no code for "too many requests", so servers (ours among them) send this one with a 429.
  if (status === 429 && error === 'invalid_request') return true;
  return isTransientStatus(status) && !PERMANENT_ERRORS.includes(error);
}

/** Redacts the reason, and replaces it if it still looks like a part of the request. */
function redactFailure(failure: ExchangeFailure, secrets: readonly string[]): ExchangeFailure {
  const redacted = redact(failure.reason, secrets);
  const looksLikeRequest = /grant_type|client_|credentials|authorization|bearer|basic |[{}<>\n]/i.test(
    redacted,
  );
  const code = failure.systemCode;
  const reason = looksLikeRequest ? `the network failed${code === undefined ? '' : ` (${code})`}` : redacted;
  const clean = new ExchangeFailure(failure.kind, reason, code);
  clean.hint = failure.hint;
  return clean;
}

/** An error response should not contain tokens; if it does, they are redacted. */
function tokensIn(body: Readonly<Record<string, unknown>> | undefined): string[] {
  return [body?.access_token, body?.refresh_token, body?.id_token].filter(
    (value): value is string => typeof value === 'string',
  );
}

function readErrorUri(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('[redacted]') || !/^https?:\/\/[\x21-\x7e]+$/i.test(text)) {
    return undefined;
  }
  try {
    const url = new URL(text);
    return url.username === '' && url.password === '' ? text : undefined;
  } catch {
    return undefined;
  }
}

function remedy(status: number, error: string | undefined): string {
  if (status >= 300 && status < 400) return 'This is a redirect: set authUrl to the URL it leads to.';
  if (status === 404 || status === 405) return 'Check that authUrl is the OAuth issuer.';
  if (isTransientStatus(status)) return 'Try again later.';
  return status === 401 || error === 'invalid_client'
    ? 'Check the client id and secret.'
    : "Check the client's settings at the issuer.";
}
