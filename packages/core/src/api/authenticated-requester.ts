import { isConfigError, OptionsError } from '../errors.ts';
import { LONGEST_TIMEOUT_MS } from '../http/backoff.ts';
import { parseBaseUrl } from '../http/base-url.ts';
import { Deadline } from '../http/deadline.ts';
import { describeFailure } from '../http/exchange-failure.ts';
import { type HttpResponse, type HttpStream, isSuccess } from '../http/http-attempt.ts';
import { HttpExchange, type HttpRequest } from '../http/http-exchange.ts';
import type { Fetch } from '../http/unpatched-fetch.ts';
import { parseJson } from '../lib/json.ts';
import { requireNumber } from '../lib/option-checks.ts';
import { isRecord } from '../lib/record.ts';
import type { AccessTokenSource } from '../token/token-provider.ts';
import { AuthenticatedCall } from './authenticated-call.ts';
import { malformedError, rejectedError, transportError } from './request-errors.ts';
import { type ApiRequest, bodyOf, headersOf, pathOf, queryOf } from './request-target.ts';

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
  call: AuthenticatedCall;
}

type Send<Result> = (http: HttpRequest, secrets: readonly string[]) => Promise<Result>;

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
   * @throws {RequestRejectedError} if the status is neither 2xx nor in `accept`, or a 2xx body says `"success": false`.
   * @throws {ResponseMalformedError} if the response is not valid JSON or larger than `maxResponseBytes`.
   * @throws {OptionsError} if the request cannot be sent.
   * @throws {TokenError} as the token provider does.
   */
  async json(request: ApiRequest): Promise<ApiResponse> {
    const { response, call } = await this.#send(request, (http) => this.#http.send(http));
    const { status, headers, text } = response;
    // The response of an earlier DELETE was lost, but it did its work.
    const isDeleted = request.method === 'DELETE' && status === 404 && call.mayHaveBeenProcessed;
    if (!isDeleted) requireAccepted(request, response, call.secrets);
    if (text === undefined) throw malformedError(request, `is larger than ${formatBytes(this.#maxBytes)}`);
    if (text.trim() === '' || !isSuccess(status)) return { status, headers, body: undefined };
    const body = parseJson(text);
    if (body === undefined) throw malformedError(request, 'is not valid JSON');
    if (isRecord(body) && body.success === false) throw rejectedError(request, response, call.secrets);
    return { status, headers, body };
  }

  /**
   * Opens an event stream. The time limits apply until its headers; then it lives until it ends or `signal` aborts.
   *
   * @throws as {@link json}. The stream itself fails with a {@link RequestTransportError}.
   */
  async stream(request: ApiRequest): Promise<ReadableStream<Uint8Array>> {
    const { response, call } = await this.#send(request, (http, secrets) =>
      this.#http.open(http, (failure) => transportError(request, failure, { secrets })),
    );
    if (!('stream' in response)) {
      requireAccepted(request, response, call.secrets);
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
    const retries = requireRetries(request.retries ?? this.#retries);
    const deadline = new Deadline({ timeoutMs: this.#deadlineMs, signal: request.signal });
    const call = new AuthenticatedCall(request, {
      tokenProvider: this.#tokenProvider,
      deadline,
      deadlineMs: this.#deadlineMs,
      retries,
    });
    try {
      return { response: await send(this.#httpRequest(request, call, deadline), call.secrets), call };
    } catch (error) {
      if (isConfigError(error)) throw error;
      const { secrets, attempts } = call;
      throw transportError(request, describeFailure(error), { secrets, attempts });
    } finally {
      deadline.end();
    }
  }

  #httpRequest(request: ApiRequest, call: AuthenticatedCall, deadline: Deadline): HttpRequest {
    return {
      url: `${this.#apiUrl}${pathOf(request)}`,
      query: queryOf(request),
      method: request.method,
      headers: headersOf(request),
      body: bodyOf(request),
      timeoutMs: this.#timeoutMs,
      headersTimeoutMs: this.#headersTimeoutMs,
      remainingMs: () => deadline.remainingMs,
      maxBytes: this.#maxBytes,
      interceptors: call.interceptors,
      // Not the deadline's signal, because a stream outlives the deadline.
      signal: request.signal,
    };
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
