import { parseBaseUrl } from './base-url.ts';
import {
  isConfigError,
  OptionsError,
  RequestRejectedError,
  RequestTransportError,
  ResponseMalformedError,
  TokenTransportError,
} from './errors.ts';
import { describeFailure, ExchangeFailure, transportCause } from './exchange-failure.ts';
import {
  type Fetch,
  type HttpAnswer,
  HttpExchange,
  type HttpRequest,
  type HttpStream,
  isSuccess,
} from './http-exchange.ts';
import { redact } from './redact.ts';
import type { AccessTokenSource } from './token-provider.ts';
import type { JsonValue } from './wire.ts';

/** What {@link AuthenticatedRequester} takes. */
export interface RequesterOptions {
  /** Base URL of the API; https, unless the host is loopback. */
  apiUrl: string;
  tokenProvider: AccessTokenSource;
  /** Default the global `fetch`. */
  fetch?: Fetch | undefined;
  /** How long one attempt may take, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** Sends tokens over plain http to hosts other than loopback too; default false. */
  allowInsecureHttp?: boolean | undefined;
}

/** One request of {@link AuthenticatedRequester}. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Parts of the path; each one is encoded, so none can lead elsewhere. */
  path: readonly string[];
  /** What is undefined is left out. */
  query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Statuses besides 2xx that are an answer and no error. */
  accept?: readonly number[];
  /** Texts of the request that must not come back in an error, such as a secret that is being set. */
  confidential?: readonly string[];
}

/** An answer that was asked for; `body` is undefined where there was none. */
export interface ApiAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: unknown;
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Requests with a bearer token, which is added last and cannot be overridden. After a 401 the token is dropped and the
 * request sent once more with a new one. Every failure is one of this package's errors, free of tokens.
 */
export class AuthenticatedRequester {
  readonly #apiUrl: string;
  readonly #tokenProvider: AccessTokenSource;
  readonly #http: HttpExchange;
  readonly #timeoutMs: number;

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
    if (typeof timeoutMs !== 'number' || !Number.isFinite(timeoutMs) || timeoutMs < 1) {
      throw new OptionsError('timeoutMs', '"timeoutMs" must be a number of at least 1.');
    }
    this.#tokenProvider = tokenProvider;
    this.#http = new HttpExchange(options.fetch);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request and reads its JSON answer, up to 16 MiB.
   *
   * @throws {RequestTransportError} where no whole answer came, also when `signal` aborted it.
   * @throws {RequestRejectedError} for a status that is neither 2xx nor accepted.
   * @throws {ResponseMalformedError} for an answer that is no JSON or too large.
   */
  async json(request: ApiRequest): Promise<ApiAnswer> {
    const { answer, secrets } = await this.#attempt(request, (http) => this.#http.send(http));
    this.#refuse(request, answer, secrets);
    if (answer.text === undefined) {
      throw malformed(request, `is larger than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
    }
    const { status, headers, text } = answer;
    if (text.trim() === '' || !isSuccess(status)) return { status, headers, body: undefined };
    const body = parseJson(text);
    if (body === undefined) throw malformed(request, 'is no JSON');
    return { status, headers, body };
  }

  /**
   * Opens an event stream. The time-out holds until its headers; then it lives until it ends or `signal` aborts it.
   *
   * @throws as {@link json}; the stream itself fails with a {@link RequestTransportError}.
   */
  async stream(request: ApiRequest): Promise<ReadableStream<Uint8Array>> {
    const { answer, secrets } = await this.#attempt(request, (http, known) =>
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

  async #attempt<Answer extends HttpAnswer | HttpStream>(
    request: ApiRequest,
    send: (http: HttpRequest, secrets: readonly string[]) => Promise<Answer>,
  ): Promise<{ answer: Answer; secrets: readonly string[] }> {
    const secrets = [...(request.confidential ?? [])];
    const url = this.#url(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    for (let isRetry = false; ; isRetry = true) {
      const token = await this.#token(request);
      secrets.push(token);
      let answer: Answer;
      try {
        answer = await send(
          {
            url,
            method: request.method,
            headers: headersOf(request, body, token),
            body,
            timeoutMs: this.#timeoutMs,
            maxBytes: MAX_ANSWER_BYTES,
            signal: request.signal,
          },
          secrets,
        );
      } catch (error) {
        throw transportError(request, describeFailure(error), secrets);
      }
      if (answer.status !== 401 || isRetry) return { answer, secrets };
      this.#tokenProvider.invalidate(token);
    }
  }

  /** The token; an aborted caller stops waiting for it, while others may still want it. */
  async #token(request: ApiRequest): Promise<string> {
    const { signal } = request;
    const aborted = new ExchangeFailure('aborted', 'the caller aborted it', 'ABORT_ERR');
    if (signal?.aborted) throw transportError(request, aborted, []);
    let onAbort: () => void = () => undefined;
    try {
      const waiting = new Promise<never>((_, reject) => {
        onAbort = () => reject(transportError(request, aborted, []));
        signal?.addEventListener('abort', onAbort, { once: true });
      });
      return await Promise.race([this.#tokenProvider.getAccessToken(), waiting]);
    } catch (error) {
      if (isConfigError(error)) throw error;
      // A provider of someone else's: its words may hold anything.
      throw new TokenTransportError('The token provider failed. Check it.');
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #url(request: ApiRequest): string {
    const path = request.path.map((part) => `/${encodePart(part)}`);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) query.set(name, value);
    }
    return `${this.#apiUrl}${path.join('')}${query.size > 0 ? `?${query.toString()}` : ''}`;
  }

  #refuse(request: ApiRequest, answer: HttpAnswer, secrets: readonly string[]): void {
    const { status, text } = answer;
    if (isSuccess(status) || request.accept?.includes(status)) return;
    const body = readRefusal(status, text === undefined ? undefined : parseJson(text), secrets);
    const serverMessage = typeof body?.message === 'string' ? body.message : undefined;
    const cause = typeof body?.cause === 'string' ? ` (${body.cause})` : '';
    const words = serverMessage === undefined ? '' : `: ${serverMessage}${cause}`;
    throw new RequestRejectedError(
      `${describe(request)} was answered with ${status}${words}${remedy(status, words)}`,
      {
        status,
        ...(serverMessage !== undefined && { serverMessage }),
        ...(body !== undefined && { body }),
      },
    );
  }
}

function encodePart(part: string): string {
  // A URL parser takes dots for steps, encoded or not; a lone surrogate cannot be encoded at all.
  if (part !== '' && part !== '.' && part !== '..') {
    try {
      return encodeURIComponent(part);
    } catch {}
  }
  throw new OptionsError('path', `${JSON.stringify(part)} cannot be part of a request path.`);
}

function headersOf(request: ApiRequest, body: string | undefined, token: string): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  if (body !== undefined) headers['content-type'] = 'application/json';
  headers.authorization = `Bearer ${token}`;
  return headers;
}

function transportError(
  request: ApiRequest,
  failure: ExchangeFailure,
  secrets: readonly string[],
): RequestTransportError {
  const reason = redact(failure.reason, secrets);
  const advice = failure.kind === 'aborted' ? '' : ' Check apiUrl and the network.';
  return new RequestTransportError(`${describe(request)} failed: ${reason}.${advice}`, {
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
  return `${request.method} /${request.path.map(encodeURIComponent).join('/')}`;
}

function remedy(status: number, words: string): string {
  if (status === 401)
    return `${words === '' ? '.' : ''} The new access token was refused too: check that authUrl and apiUrl belong together.`;
  if (words !== '') return '';
  if (status >= 300 && status < 400) return '. It redirects; set apiUrl to where it leads.';
  return status >= 500 || status === 429 ? '. Try again later.' : '.';
}

/** Fields of an answer's list entries that say where and why; a `value` may be a secret's. */
const LIST_FIELDS = new Set([
  'key',
  'path',
  'message',
  'reason',
  'environment',
  'environmentId',
  'tier',
  'name',
  'id',
  'schema',
  'schemaId',
  'index',
]);
const LONGEST_LIST = 1000;

/** Of a refusal's body only `message`, `cause` and, at 409, its lists: the rest may repeat what was sent. */
function readRefusal(
  status: number,
  body: unknown,
  secrets: readonly string[],
): Readonly<Record<string, JsonValue>> | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const kept: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(body)) {
    if ((name === 'message' || name === 'cause') && typeof value === 'string')
      kept[name] = redact(value, secrets);
    if (status === 409 && Array.isArray(value) && /^[a-zA-Z]{1,40}$/.test(name)) {
      kept[name] = value.slice(0, LONGEST_LIST).flatMap((entry: unknown) => readListEntry(entry, secrets));
    }
  }
  return kept;
}

function readListEntry(entry: unknown, secrets: readonly string[]): JsonValue[] {
  if (typeof entry === 'string') return [redact(entry, secrets)];
  if (typeof entry !== 'object' || entry === null) return [];
  const kept: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (!LIST_FIELDS.has(name)) continue;
    if (typeof value === 'string') kept[name] = redact(value, secrets);
    else if (typeof value === 'number') kept[name] = value;
  }
  return [kept];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}
