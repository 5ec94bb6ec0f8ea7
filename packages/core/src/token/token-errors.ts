import { SETTINGS_VARIABLES } from '../environment-variable.ts';
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
import { DEFAULT_AUTH_URL } from '../settings.ts';

/** RFC 6749 §5.2: refusals that stay the same until somebody changes the client or the request. */
const FINAL_ERRORS: readonly (string | undefined)[] = [
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_grant_type',
];

/** A server that says back the form that it was sent. */
const ECHO = /grant_type["'\\]*\s*[=:]/i;

const REASONS: Readonly<Record<TokenMalformedReason, string>> = {
  'not-json': 'is no JSON object',
  'no-token': 'has no access_token',
  'unusable-token': 'has an access_token that cannot be sent in a header',
  'token-type': 'has another token_type than Bearer',
  'too-large': 'is larger than 64 KiB',
  expired: 'came when the token in it had already run out',
};

const DEFAULT_ISSUER_HINT = ` This is the default issuer: for a config server of your own set ${SETTINGS_VARIABLES.authUrl} (authUrl) to that server's URL.`;

/** Builds a provider's errors: none repeats what `known` answers, the form or the server's answer as it is. */
export class TokenErrors {
  readonly #tokenUrl: string;
  readonly #known: () => readonly string[];
  /** What a newcomer with a config server of their own overlooks; empty where another issuer is set. */
  readonly #hint: string;

  constructor(tokenUrl: string, known: () => readonly string[]) {
    this.#tokenUrl = tokenUrl;
    this.#hint = tokenUrl === `${DEFAULT_AUTH_URL}/token` ? DEFAULT_ISSUER_HINT : '';
    this.#known = known;
  }

  transport(error: unknown, secrets: readonly string[]): TokenTransportError {
    const failure = printable(describeFailure(error), [...secrets, ...this.#known()]);
    return new TokenTransportError(
      `The token endpoint ${this.#tokenUrl} could not be reached: ${failure.reason}. Check authUrl and the network.${this.#hint}`,
      { reason: failure.kind, cause: transportCause(failure, failure.reason) },
    );
  }

  malformed(reason: TokenMalformedReason): TokenMalformedError {
    return new TokenMalformedError(
      `The answer of the token endpoint ${this.#tokenUrl} ${REASONS[reason]}. Check that authUrl is the OAuth issuer.${this.#hint}`,
      { reason },
    );
  }

  rejected(
    status: number,
    body: Readonly<Record<string, unknown>> | undefined,
    secrets: readonly string[],
  ): TokenRejectedError {
    const clean = createRedactor([...secrets, ...this.#known(), ...tokensIn(body)]);
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' && !ECHO.test(value) ? clean(value) || undefined : undefined;
    const said = text(body?.error);
    // A code, and never free text.
    const error = said !== undefined && /^[\w.:/-]{1,100}$/.test(said) ? said : undefined;
    const errorDescription = text(body?.error_description) ?? text(body?.message);
    const errorUri = readErrorUri(text(body?.error_uri));
    const words = [String(status), error, errorDescription && `(${errorDescription})`]
      .filter(Boolean)
      .join(' ');
    return new TokenRejectedError(
      `The token endpoint ${this.#tokenUrl} refused the exchange: ${words}. ${remedy(status, error)}${this.#hint}`,
      {
        status,
        ...(error !== undefined && { error }),
        ...(errorDescription !== undefined && { errorDescription }),
        ...(errorUri !== undefined && { errorUri }),
      },
    );
  }

  throttled(retryAfterMs: number, status: number): TokenThrottledError {
    const seconds = Math.ceil(retryAfterMs / 1000);
    return new TokenThrottledError(
      `The token endpoint ${this.#tokenUrl} answered ${status} and wants no request for ${seconds} s. Try again then, or set waitWhenThrottled.`,
      { retryAfterMs: Math.ceil(retryAfterMs), status },
    );
  }

  /** This caller's wait was aborted; `last` is what the exchange failed with so far. */
  aborted(last: TokenError | undefined): TokenTransportError {
    const so = last === undefined ? '' : ` The last attempt failed: ${last.message}`;
    return new TokenTransportError(
      `The wait for a token of ${this.#tokenUrl} was aborted by its caller.${so}`,
      {
        reason: 'aborted',
        cause: transportCause(new ExchangeFailure('aborted', '', 'ABORT_ERR'), 'the caller aborted it'),
      },
    );
  }

  /** The words of the user's function are left out: they may hold a path or the secret itself. */
  secretFunction(what: 'failed' | 'gave no text'): OptionsError {
    return new OptionsError(
      'clientSecret',
      `TokenProvider: the function given as "clientSecret" ${what}. Check it.`,
    );
  }
}

/** Whether the next attempt may work with nothing changed. */
export function isTransient(error: TokenError): boolean {
  if (error.code === 'ERR_TOKEN_TRANSPORT') return error.reason !== 'tls' && error.reason !== 'aborted';
  if (error.code === 'ERR_TOKEN_REJECTED') return isTransientRefusal(error);
  return error.code === 'ERR_TOKEN_MALFORMED' && error.reason === 'expired';
}

/** Whether a refusal is about the moment and not about the client. */
export function isTransientRefusal({
  status,
  error,
}: {
  status: number;
  error: string | undefined;
}): boolean {
  // RFC 6749 has no code for "too often", so servers send this one with a 429, ours among them.
  if (status === 429 && error === 'invalid_request') return true;
  return (status >= 500 || status === 429 || status === 408) && !FINAL_ERRORS.includes(error);
}

/** A failure without what a network library may have said about the request. */
function printable(failure: ExchangeFailure, secrets: readonly string[]): ExchangeFailure {
  const words = redact(failure.reason, secrets);
  const isTelling = /grant_type|client_|credentials|authorization|bearer|basic |[{}<>\n]/i.test(words);
  const code = failure.systemCode;
  const reason = isTelling ? `the network failed${code === undefined ? '' : ` (${code})`}` : words;
  return new ExchangeFailure(failure.kind, reason, code);
}

/** A refusal should hold no token, but one that does must not get further. */
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
  if (status >= 300 && status < 400) return 'It redirects; set authUrl to where it leads.';
  if (status === 404 || status === 405) return 'Check that authUrl is the OAuth issuer.';
  if (status === 408 || status === 429 || status >= 500) return 'Try again later.';
  return status === 401 || error === 'invalid_client'
    ? 'Check the client id and secret.'
    : 'Check the client.';
}
