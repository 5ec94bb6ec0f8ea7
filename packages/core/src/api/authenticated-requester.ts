import {
  isConfigError,
  OptionsError,
  RequestRejectedError,
  RequestTransportError,
  ResponseMalformedError,
  TokenMalformedError,
  TokenTransportError,
} from '../errors.ts';
import { LONGEST_TIMEOUT_MS, sleep } from '../http/backoff.ts';
import { parseBaseUrl } from '../http/base-url.ts';
import { Deadline } from '../http/deadline.ts';
import { describeFailure, ExchangeFailure, transportCause } from '../http/exchange-failure.ts';
import {
  type Fetch,
  type HttpAnswer,
  HttpExchange,
  type HttpRequest,
  type HttpStream,
  isSuccess,
} from '../http/http-exchange.ts';
import { redact } from '../http/redact.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { AccessTokenSource } from '../token/token-provider.ts';
import { readRefusal } from './request-refusal.ts';
import { createRetrySchedule, mayHaveActed } from './request-retry.ts';
import { type ApiRequest, bodyOf, headersOf, pathOf, urlOf } from './request-target.ts';

/** What {@link AuthenticatedRequester} takes. Times are in milliseconds. */
export interface RequesterOptions {
  /** Base URL of the API; https, unless the host is loopback. */
  apiUrl: string;
  tokenProvider: AccessTokenSource;
  /** Default the global `fetch`. */
  fetch?: Fetch | undefined;
  /** How long one attempt may take, the answer's body included; default 10,000. */
  timeoutMs?: number | undefined;
  /** How long one attempt may take until the answer's headers, connecting included; default `timeoutMs`. */
  headersTimeoutMs?: number | undefined;
  /** How long a call may take in all: the wait for a token, every attempt and the waits between. Default 30,000. */
  deadlineMs?: number | undefined;
  /**
   * How many more attempts a GET, HEAD, PUT or DELETE gets after a network failure, 408, 502, 503, 504, or 429 with
   * `Retry-After`; default 2. Other methods are sent again after a 401 alone.
   */
  retries?: number | undefined;
  /** Bytes of an answer that are read at most; default 16 MiB. Streams have no limit. */
  maxAnswerBytes?: number | undefined;
  /** Sends tokens over plain http to hosts other than loopback too; default false. */
  allowInsecureHttp?: boolean | undefined;
}

/** An answer that was asked for; `body` is undefined where there was none. */
export interface ApiAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: unknown;
}

/** What one call came to; `secrets` are the texts that no error may repeat. */
interface Sent<Answer> {
  answer: Answer;
  secrets: readonly string[];
  /** An earlier attempt may have been heard, though its answer was lost. */
  mayHaveActed: boolean;
}

type Send<Answer> = (http: HttpRequest, secrets: readonly string[]) => Promise<Answer>;

/**
 * Requests with a bearer token, which is added last and cannot be overridden. After a 401 the token is dropped and the
 * request sent once more with a new one. Every failure is one of this package's errors, free of tokens.
 */
export class AuthenticatedRequester {
  readonly #apiUrl: string;
  readonly #tokenProvider: AccessTokenSource;
  readonly #http: HttpExchange;
  readonly #timeoutMs: number;
  readonly #headersTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #retries: number;
  readonly #maxAnswerBytes: number;

  /** @throws {OptionsError} naming the option that is invalid. */
  constructor(options: RequesterOptions) {
    const { apiUrl, allowInsecureHttp, tokenProvider, timeoutMs = 10_000 } = options;
    this.#apiUrl = parseBaseUrl('apiUrl', apiUrl, { allowInsecureHttp });
    if (
      typeof tokenProvider?.getAccessToken !== 'function' ||
      typeof tokenProvider.invalidate !== 'function'
    ) {
      throw new OptionsError('tokenProvider', '"tokenProvider" must have getAccessToken() and invalidate().');
    }
    this.#tokenProvider = tokenProvider;
    this.#http = new HttpExchange(options.fetch);
    this.#timeoutMs = requireNumber('timeoutMs', timeoutMs);
    this.#headersTimeoutMs = requireNumber('headersTimeoutMs', options.headersTimeoutMs ?? timeoutMs);
    this.#deadlineMs = requireNumber('deadlineMs', options.deadlineMs ?? 30_000);
    this.#retries = requireRetries(options.retries ?? 2);
    this.#maxAnswerBytes = requireNumber('maxAnswerBytes', options.maxAnswerBytes ?? 16 * 1024 * 1024);
  }

  /**
   * Sends a request and reads its JSON answer, up to `maxAnswerBytes`.
   *
   * @throws {RequestTransportError} where no whole answer came, also when `signal` aborted it.
   * @throws {RequestRejectedError} for a status that is neither 2xx nor accepted.
   * @throws {ResponseMalformedError} for an answer that is no JSON or too large.
   * @throws {OptionsError} for a request that cannot be sent.
   */
  async json(request: ApiRequest): Promise<ApiAnswer> {
    const sent = await this.#send(request, (http) => this.#http.send(http));
    const { status, headers, text } = sent.answer;
    // A DELETE whose first answer was lost: what it was to remove is gone.
    const isGone = request.method === 'DELETE' && status === 404 && sent.mayHaveActed;
    if (!isGone) this.#refuse(request, sent.answer, sent.secrets);
    if (text === undefined) throw malformed(request, `is larger than ${sizeOf(this.#maxAnswerBytes)}`);
    if (text.trim() === '' || !isSuccess(status)) return { status, headers, body: undefined };
    const body = parseJson(text);
    if (body === undefined) throw malformed(request, 'is no JSON');
    return { status, headers, body };
  }

  /**
   * Opens an event stream. The time-outs hold until its headers; then it lives until it ends or `signal` aborts it.
   *
   * @throws as {@link json}; the stream itself fails with a {@link RequestTransportError}.
   */
  async stream(request: ApiRequest): Promise<ReadableStream<Uint8Array>> {
    const { answer, secrets } = await this.#send(request, (http, known) =>
      this.#http.open(http, (failure) => transportError(request, failure, known)),
    );
    if (!('stream' in answer)) {
      this.#refuse(request, answer, secrets);
      throw malformed(request, 'has no body');
    }
    if (/^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '')) return answer.stream;
    await answer.stream.cancel().catch(() => undefined);
    throw malformed(request, 'is no event stream');
  }

  async #send<Answer extends HttpAnswer | HttpStream>(
    request: ApiRequest,
    send: Send<Answer>,
  ): Promise<Sent<Answer>> {
    const deadline = new Deadline({ timeoutMs: this.#deadlineMs, signal: request.signal });
    try {
      return await this.#attempts(request, deadline, send);
    } finally {
      deadline.end();
    }
  }

  async #attempts<Answer extends HttpAnswer | HttpStream>(
    request: ApiRequest,
    deadline: Deadline,
    send: Send<Answer>,
  ): Promise<Sent<Answer>> {
    const target = { url: urlOf(this.#apiUrl, request), body: bodyOf(request) };
    const schedule = createRetrySchedule(request.method, requireRetries(request.retries ?? this.#retries));
    const secrets = [...(request.confidential ?? [])];
    let isRefreshed = false;
    let isAmbiguous = false;
    for (let attempts = 1; ; attempts++) {
      const token = await this.#token(request, deadline);
      if (!secrets.includes(token)) secrets.push(token);
      const http = this.#httpRequest(request, { ...target, token, deadline });
      const outcome = await send(http, secrets).catch((error: unknown) => describeFailure(error));
      if (!(outcome instanceof ExchangeFailure) && outcome.status === 401 && !isRefreshed) {
        isRefreshed = true;
        this.#invalidate(token);
        continue;
      }
      const waitMs = schedule.next(outcome);
      if (waitMs === undefined || waitMs >= deadline.remainingMs) {
        if (outcome instanceof ExchangeFailure) throw transportError(request, outcome, secrets, attempts);
        return { answer: outcome, secrets, mayHaveActed: isAmbiguous };
      }
      isAmbiguous ||= mayHaveActed(outcome);
      await sleep(waitMs, deadline.signal);
    }
  }

  #httpRequest(
    request: ApiRequest,
    known: { url: string; body: string | undefined; token: string; deadline: Deadline },
  ): HttpRequest {
    const { url, body, token, deadline } = known;
    // At least 1, so that a deadline that ends right now is a time-out and not an option's error.
    const remainingMs = Math.max(1, Math.ceil(deadline.remainingMs));
    return {
      url,
      method: request.method,
      headers: headersOf(request, body, token),
      body,
      timeoutMs: Math.min(this.#timeoutMs, remainingMs),
      headersTimeoutMs: this.#headersTimeoutMs,
      maxBytes: this.#maxAnswerBytes,
      // Not the deadline's: a stream outlives it.
      signal: request.signal,
    };
  }

  /** The token; an aborted caller stops waiting for it, while others may still want it. */
  async #token(request: ApiRequest, deadline: Deadline): Promise<string> {
    let token: unknown;
    try {
      if (deadline.over !== undefined) throw deadline.over;
      token = await deadline.race(
        Promise.resolve(this.#tokenProvider.getAccessToken({ signal: deadline.signal })),
      );
    } catch (error) {
      const { over } = deadline;
      if (over?.kind === 'aborted') throw transportError(request, over, []);
      if (over !== undefined) throw tokenTimeout(request, this.#deadlineMs);
      if (isConfigError(error)) throw error;
      // A provider of someone else's: its words may hold anything.
      throw new TokenTransportError('The token provider failed. Check it.');
    }
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new TokenMalformedError(
      'The token provider gave a token that cannot be sent in a header. Check it.',
    );
  }

  #invalidate(token: string): void {
    try {
      this.#tokenProvider.invalidate(token);
    } catch {
      throw new TokenTransportError('The token provider failed. Check it.');
    }
  }

  #refuse(request: ApiRequest, answer: HttpAnswer, secrets: readonly string[]): void {
    const { status, text } = answer;
    if (isSuccess(status) || request.accept?.includes(status)) return;
    const body = readRefusal(status, text === undefined ? undefined : parseJson(text), secrets);
    const serverMessage = typeof body?.message === 'string' ? body.message : undefined;
    const cause = typeof body?.cause === 'string' ? ` (${body.cause})` : '';
    const words = serverMessage === undefined ? '' : `: ${serverMessage}${cause}`;
    const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'));
    throw new RequestRejectedError(
      `${describe(request)} was answered with ${status}${words}${remedy(status, words)}`,
      {
        status,
        ...(serverMessage !== undefined && { serverMessage }),
        ...(body !== undefined && { body }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      },
    );
  }
}

function transportError(
  request: ApiRequest,
  failure: ExchangeFailure,
  secrets: readonly string[],
  attempts = 1,
): RequestTransportError {
  const reason = redact(failure.reason, secrets);
  const times = attempts > 1 ? ` after ${attempts} attempts` : '';
  const advice = failure.kind === 'aborted' ? '' : ' Check apiUrl and the network.';
  return new RequestTransportError(`${describe(request)} failed${times}: ${reason}.${advice}`, {
    reason: failure.kind,
    cause: transportCause(failure, reason),
  });
}

function tokenTimeout(request: ApiRequest, deadlineMs: number): RequestTransportError {
  const reason = `no access token within ${deadlineMs} ms`;
  const failure = new ExchangeFailure('timeout', reason, 'ETIMEDOUT');
  return new RequestTransportError(`${describe(request)} failed: ${reason}. Check authUrl and the network.`, {
    reason: failure.kind,
    cause: transportCause(failure, reason),
  });
}

function malformed(request: ApiRequest, what: string): ResponseMalformedError {
  return new ResponseMalformedError(
    `The answer to ${describe(request)} ${what}. Check that apiUrl is the base URL of a config API.`,
  );
}

function describe(request: ApiRequest): string {
  return `${request.method} ${pathOf(request)}`;
}

function remedy(status: number, words: string): string {
  if (status === 401)
    return `${words === '' ? '.' : ''} The new access token was refused too: check that authUrl and apiUrl belong together.`;
  if (words !== '') return '';
  if (status >= 300 && status < 400) return '. It redirects; set apiUrl to where it leads.';
  return status >= 500 || status === 429 ? '. Try again later.' : '.';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}

function sizeOf(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  return Number.isInteger(mebibytes) ? `${mebibytes} MiB` : `${bytes} bytes`;
}

function requireNumber(option: string, value: unknown): number {
  if (typeof value === 'number' && value >= 1 && value <= LONGEST_TIMEOUT_MS) return value;
  throw new OptionsError(option, `"${option}" must be a number from 1 to ${LONGEST_TIMEOUT_MS}.`);
}

function requireRetries(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new OptionsError('retries', '"retries" must be a whole number of at least 0.');
}
