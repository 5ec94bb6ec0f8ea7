import { isConfigError } from '../errors.ts';
import { Deadline } from './deadline.ts';
import { describeFailure, type ExchangeFailure } from './exchange-failure.ts';
import {
  type HttpAttempt,
  type HttpResponse,
  type HttpStream,
  openAttempt,
  sendAttempt,
} from './http-attempt.ts';
import { type Interceptors, loadedOfetch, loadOfetch } from './ofetch.ts';
import { proxyHint } from './proxy-hint.ts';
import { callsGlobalFetch, type Fetch, unpatchedFetch } from './unpatched-fetch.ts';

/** A request of {@link HttpExchange}. `timeoutMs` and `headersTimeoutMs` limit each attempt. */
export interface HttpRequest extends HttpAttempt {
  /** Parameters that are added to `url`. Those that are undefined are left out. */
  query?: Readonly<Record<string, string | undefined>> | undefined;
  /** Returns the milliseconds that are left for all attempts; default `timeoutMs` less the time since the start. */
  remainingMs?: (() => number) | undefined;
  /** Default: a single attempt. */
  interceptors?: Interceptors | undefined;
}

/**
 * Sends requests with ofetch, which adds the query, merges the headers, and calls the interceptors and repeats the
 * request as they say. Below it, each attempt has a deadline and a size limit, and follows no redirects.
 */
export class HttpExchange {
  readonly #fetch: Fetch;
  readonly #usesGlobalFetch: boolean;

  constructor(fetch?: Fetch) {
    this.#fetch = fetch ?? unpatchedFetch;
    this.#usesGlobalFetch = callsGlobalFetch(this.#fetch);
  }

  /**
   * Returns the response, with any status.
   *
   * @throws {ExchangeFailure} if no complete response arrives.
   * @throws {ConfigError} if an interceptor throws it.
   */
  send(request: HttpRequest): Promise<HttpResponse> {
    return this.#exchange(request, (attempt) => sendAttempt(this.#fetch, attempt));
  }

  /**
   * Opens a stream: the body of a 2xx response, which lives until `signal` aborts. Any other response is read whole.
   *
   * @param toError - converts a failure of the open stream to the error that its reader gets.
   * @throws as {@link send}.
   */
  open(
    request: HttpRequest,
    toError: (failure: ExchangeFailure) => Error,
  ): Promise<HttpResponse | HttpStream> {
    return this.#exchange(request, (attempt) => openAttempt(this.#fetch, attempt, toError));
  }

  async #exchange<Result extends HttpResponse | HttpStream>(
    request: HttpRequest,
    perform: (attempt: HttpAttempt) => Promise<Result>,
  ): Promise<Result> {
    const { url, method, headers, query, timeoutMs, interceptors } = request;
    const { remainingMs = countdown(timeoutMs) } = request;
    const { createFetch, FetchError } = loadedOfetch() ?? (await loadWithin(request));
    // Not a whole Response: ofetch looks at the status only, and the body has been read here, within the limits.
    const fetch: unknown = (target: string, init: { headers: Headers }) =>
      perform({
        ...request,
        url: target,
        headers: Object.fromEntries(init.headers),
        // At least 1, so that a deadline that ends right now gives a time-out.
        timeoutMs: Math.min(timeoutMs, Math.max(1, Math.ceil(remainingMs()))),
      });
    const defaults = { headers: { accept: 'application/json' } };
    try {
      const response: unknown = await createFetch({ fetch: fetch as Fetch, defaults }).raw(url, {
        method,
        headers,
        ...(query && { query }),
        retry: 0,
        ...interceptors,
      });
      return response as Result;
    } catch (error) {
      // ofetch throws for a status of 400 and above. Its error holds the headers of the request, so it ends here.
      if (error instanceof FetchError && error.response !== undefined) {
        const response: unknown = error.response;
        return response as Result;
      }
      if (isConfigError(error)) throw error;
      throw this.#explained(describeFailure(error), url);
    }
  }

  #explained(failure: ExchangeFailure, url: string): ExchangeFailure {
    if (this.#usesGlobalFetch) failure.hint = proxyHint(url, failure.kind);
    return failure;
  }
}

function countdown(ms: number): () => number {
  const endsAt = performance.now() + ms;
  return () => endsAt - performance.now();
}

/** Loads ofetch within the limits of a request. */
async function loadWithin({ timeoutMs, signal }: HttpRequest): ReturnType<typeof loadOfetch> {
  const deadline = new Deadline({ timeoutMs, signal });
  try {
    return await deadline.race(loadOfetch());
  } catch (error) {
    throw deadline.failure(error);
  } finally {
    deadline.end();
  }
}
