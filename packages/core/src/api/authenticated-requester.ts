import { isConfigError, OptionsError, TokenMalformedError, TokenTransportError } from '../errors.ts';
import { LONGEST_TIMEOUT_MS, sleep } from '../http/backoff.ts';
import { parseBaseUrl } from '../http/base-url.ts';
import { Deadline } from '../http/deadline.ts';
import { describeFailure, ExchangeFailure } from '../http/exchange-failure.ts';
import {
  HttpExchange,
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
  isSuccess,
} from '../http/http-exchange.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { parseJson } from '../lib/json.ts';
import { requireNumber } from '../lib/option-checks.ts';
import type { AccessTokenSource } from '../token/token-provider.ts';
import { malformedError, rejectedError, tokenTimeoutError, transportError } from './request-errors.ts';
import { createRetrySchedule, mayHaveBeenProcessed } from './request-retry.ts';
import { type ApiRequest, bodyOf, headersOf, urlOf } from './request-target.ts';

/** Options of {@link AuthenticatedRequester}. Times are in milliseconds. */
export interface RequesterOptions {
  /** Base URL of the API; https, unless the host is loopback. */
  apiUrl: string;
  tokenProvider: AccessTokenSource;
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Time limit of one attempt, including the response body; default 10,000. */
  timeoutMs?: number | undefined;
  /** Time limit of one attempt until the response headers, including the connection; default `timeoutMs`. */
  headersTimeoutMs?: number | undefined;
  /** Time limit of a call: the wait for a token, every attempt and the waits between them. Default 30,000. */
  deadlineMs?: number | undefined;
  /**
   * Further attempts of a GET, HEAD, PUT or DELETE after a network failure, 408, 502, 503, 504, or 429 with
   * `Retry-After`; default 2. Other methods are sent again only after a 401.
   */
  retries?: number | undefined;
  /** Largest response body in bytes; default 16 MiB. Streams have no limit. */
  maxResponseBytes?: number | undefined;
  /** Allows plain http to hosts other than loopback; default false. */
  allowInsecureHttp?: boolean | undefined;
}

/** A successful or accepted response. `body` is the parsed JSON; undefined if the response has none. */
export interface ApiResponse {
  status: number;
  headers: { get(name: string): string | null };
  body: unknown;
}

/** The final response of a call. */
interface Received<Result> {
  response: Result;
  /** Strings that no error may repeat. */
  secrets: readonly string[];
  /** Whether an earlier attempt may have been processed although its response was lost. */
  mayHaveBeenProcessed: boolean;
}

type Send<Result> = (http: HttpRequest, secrets: readonly string[]) => Promise<Result>;

const TOKEN_PROVIDER_FAILED = 'The token provider failed. Check its implementation.';

/**
 * Sends requests with a bearer token, which is set last and cannot be overridden. After a 401 it invalidates the token
 * and sends the request once more with a new one. Every failure is an error of this package, without tokens in it.
 */
export class AuthenticatedRequester {
  readonly #apiUrl: string;
  readonly #tokenProvider: AccessTokenSource;
  readonly #http: HttpExchange;
  readonly #timeoutMs: number;
  readonly #headersTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #retries: number;
  readonly #maxBytes: number;

  /** @throws {OptionsError} naming the option that is invalid. */
  constructor(options: RequesterOptions) {
    const { apiUrl, allowInsecureHttp, tokenProvider, timeoutMs = 10_000 } = options;
    const limits = { min: 1, max: LONGEST_TIMEOUT_MS };
    this.#apiUrl = parseBaseUrl('apiUrl', apiUrl, { allowInsecureHttp });
    if (
      typeof tokenProvider?.getAccessToken !== 'function' ||
      typeof tokenProvider.invalidate !== 'function'
    ) {
      throw new OptionsError('tokenProvider', '"tokenProvider" must have getAccessToken() and invalidate().');
    }
    this.#tokenProvider = tokenProvider;
    this.#http = new HttpExchange(options.fetch);
    this.#timeoutMs = requireNumber('timeoutMs', timeoutMs, limits);
    this.#headersTimeoutMs = requireNumber('headersTimeoutMs', options.headersTimeoutMs ?? timeoutMs, limits);
    this.#deadlineMs = requireNumber('deadlineMs', options.deadlineMs ?? 30_000, limits);
    this.#retries = requireRetries(options.retries ?? 2);
    this.#maxBytes = requireNumber('maxResponseBytes', options.maxResponseBytes ?? 16 * 1024 * 1024, limits);
  }

  /**
   * Sends a request and parses its JSON response.
   *
   * @throws {RequestTransportError} if no complete response arrives, or `signal` aborts.
   * @throws {RequestRejectedError} if the status is neither 2xx nor in `accept`.
   * @throws {ResponseMalformedError} if the response is not valid JSON or larger than `maxResponseBytes`.
   * @throws {OptionsError} if the request cannot be sent.
   * @throws {TokenError} as the token provider does.
   */
  async json(request: ApiRequest): Promise<ApiResponse> {
    const received = await this.#send(request, (http) => this.#http.send(http));
    const { status, headers, text } = received.response;
    // The response of an earlier DELETE was lost, but it did its work.
    const isDeleted = request.method === 'DELETE' && status === 404 && received.mayHaveBeenProcessed;
    if (!isDeleted) requireAccepted(request, received.response, received.secrets);
    if (text === undefined) throw malformedError(request, `is larger than ${formatBytes(this.#maxBytes)}`);
    if (text.trim() === '' || !isSuccess(status)) return { status, headers, body: undefined };
    const body = parseJson(text);
    if (body === undefined) throw malformedError(request, 'is not valid JSON');
    return { status, headers, body };
  }

  /**
   * Opens an event stream. The time limits apply until its headers; then it lives until it ends or `signal` aborts.
   *
   * @throws as {@link json}. The stream itself fails with a {@link RequestTransportError}.
   */
  async stream(request: ApiRequest): Promise<ReadableStream<Uint8Array>> {
    const { response, secrets } = await this.#send(request, (http, known) =>
      this.#http.open(http, (failure) => transportError(request, failure, { secrets: known })),
    );
    if (!('stream' in response)) {
      requireAccepted(request, response, secrets);
      throw malformedError(request, 'has no body');
    }
    if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) return response.stream;
    await response.stream.cancel().catch(() => undefined);
    throw malformedError(request, 'is not an event stream');
  }

  async #send<Result extends HttpResponse | HttpStream>(
    request: ApiRequest,
    send: Send<Result>,
  ): Promise<Received<Result>> {
    const deadline = new Deadline({ timeoutMs: this.#deadlineMs, signal: request.signal });
    try {
      return await this.#attempts(request, deadline, send);
    } finally {
      deadline.end();
    }
  }

  async #attempts<Result extends HttpResponse | HttpStream>(
    request: ApiRequest,
    deadline: Deadline,
    send: Send<Result>,
  ): Promise<Received<Result>> {
    const target = { url: urlOf(this.#apiUrl, request), body: bodyOf(request) };
    const schedule = createRetrySchedule(request.method, requireRetries(request.retries ?? this.#retries));
    const secrets = [...(request.confidential ?? [])];
    let hasNewToken = false;
    let isAmbiguous = false;
    for (let attempts = 1; ; attempts++) {
      const token = await this.#token(request, deadline);
      if (!secrets.includes(token)) secrets.push(token);
      const http = this.#httpRequest(request, { ...target, token, deadline });
      const outcome = await send(http, secrets).catch((error: unknown) => describeFailure(error));
      if (!(outcome instanceof ExchangeFailure) && outcome.status === 401 && !hasNewToken) {
        hasNewToken = true;
        this.#invalidate(token);
        continue;
      }
      const waitMs = schedule.next(outcome);
      if (waitMs === undefined || waitMs >= deadline.remainingMs) {
        if (outcome instanceof ExchangeFailure) throw transportError(request, outcome, { secrets, attempts });
        return { response: outcome, secrets, mayHaveBeenProcessed: isAmbiguous };
      }
      isAmbiguous ||= mayHaveBeenProcessed(outcome);
      await sleep(waitMs, { signal: deadline.signal });
    }
  }

  #httpRequest(
    request: ApiRequest,
    known: { url: string; body: string | undefined; token: string; deadline: Deadline },
  ): HttpRequest {
    const { url, body, token, deadline } = known;
    // At least 1, so that a deadline that ends right now gives a time-out.
    const remainingMs = Math.max(1, Math.ceil(deadline.remainingMs));
    return {
      url,
      method: request.method,
      headers: headersOf(request, body, token),
      body,
      timeoutMs: Math.min(this.#timeoutMs, remainingMs),
      headersTimeoutMs: this.#headersTimeoutMs,
      maxBytes: this.#maxBytes,
      // Not the deadline's signal, because a stream outlives the deadline.
      signal: request.signal,
    };
  }

  /** Gets the token. The signal ends only this caller's wait; others may want the same exchange. */
  async #token(request: ApiRequest, deadline: Deadline): Promise<string> {
    let token: unknown;
    const options = { signal: deadline.signal, ...(request.isLasting && { preferFresh: true }) };
    try {
      if (deadline.over !== undefined) throw deadline.over;
      token = await deadline.race(Promise.resolve(this.#tokenProvider.getAccessToken(options)));
    } catch (error) {
      const { over } = deadline;
      if (over?.kind === 'aborted') throw transportError(request, over, { secrets: [] });
      if (over !== undefined) throw tokenTimeoutError(request, this.#deadlineMs);
      if (isConfigError(error)) throw error;
      // The message of a custom provider could contain anything, so it is not repeated.
      throw new TokenTransportError(TOKEN_PROVIDER_FAILED);
    }
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new TokenMalformedError(
      'The token provider returned a token that cannot be sent in a header. Check its implementation.',
    );
  }

  #invalidate(token: string): void {
    try {
      this.#tokenProvider.invalidate(token);
    } catch {
      throw new TokenTransportError(TOKEN_PROVIDER_FAILED);
    }
  }
}

function requireAccepted(request: ApiRequest, response: HttpResponse, secrets: readonly string[]): void {
  const { status } = response;
  if (isSuccess(status) || request.accept?.includes(status)) return;
  throw rejectedError(request, response, secrets);
}

function requireRetries(value: unknown): number {
  return requireNumber('retries', value, { min: 0, integer: true });
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  return Number.isInteger(mebibytes) ? `${mebibytes} MiB` : `${bytes} bytes`;
}
