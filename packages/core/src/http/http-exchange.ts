import { Deadline } from './deadline.ts';
import { ExchangeFailure } from './exchange-failure.ts';

/** The `fetch` that a caller may put in place of the global one. */
export type Fetch = typeof globalThis.fetch;

/** One request of {@link HttpExchange}. */
export interface HttpRequest {
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  /** How long it may take in milliseconds, body included; for a stream until its headers. */
  timeoutMs: number;
  /** How long until the headers, connecting included; default `timeoutMs`. `fetch` does not tell connecting apart. */
  headersTimeoutMs?: number | undefined;
  /** Bytes of the answer that are read at most. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** An answer with any status; `text` is undefined where the body was larger than `maxBytes`. */
export interface HttpAnswer {
  status: number;
  headers: { get(name: string): string | null };
  text: string | undefined;
}

/** An answer whose body is left to the reader. */
export interface HttpStream {
  status: number;
  headers: { get(name: string): string | null };
  stream: ReadableStream<Uint8Array>;
}

/** Requests with a deadline and a size limit that hold whatever the given `fetch` does. Never retries or redirects. */
export class HttpExchange {
  readonly #fetch: Fetch;

  constructor(fetch?: Fetch) {
    // The global one is looked up at each call: frameworks and test tools replace it, and Node loads its own when it is
    // looked at, which an import must not wait for.
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** @throws {ExchangeFailure} where no whole answer came. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = headersDeadline(request);
    try {
      const response = await deadline.race(this.#start(request, deadline));
      deadline.extend(request.timeoutMs);
      return await readAnswer(response, request.maxBytes, deadline);
    } catch (error) {
      throw deadline.failure(error);
    } finally {
      deadline.end();
    }
  }

  /**
   * Opens a stream: a 2xx answer's body, which lives until `signal` aborts it; any other answer is read whole.
   *
   * @throws {ExchangeFailure} where no answer came; the stream itself fails with what `failed` makes of one.
   */
  async open(
    request: HttpRequest,
    failed: (failure: ExchangeFailure) => Error,
  ): Promise<HttpAnswer | HttpStream> {
    const deadline = headersDeadline(request);
    try {
      const response = await deadline.race(this.#start(request, deadline));
      if (!isSuccess(response.status) || !response.body) {
        deadline.extend(request.timeoutMs);
        const answer = await readAnswer(response, request.maxBytes, deadline);
        deadline.end();
        return answer;
      }
      deadline.stopClock();
      const stream = watch(response.body, deadline, failed);
      return { status: response.status, headers: response.headers, stream };
    } catch (error) {
      const failure = deadline.failure(error);
      deadline.end();
      throw failure;
    }
  }

  async #start(request: HttpRequest, deadline: Deadline): Promise<Response> {
    const fetch = this.#fetch;
    const answer = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      ...(request.body !== undefined && { body: request.body }),
      signal: deadline.signal,
      // A redirect would carry the credentials on to a place nobody configured.
      redirect: 'manual',
    });
    return requireAnswer(answer);
  }
}

/** A `fetch` that is given may answer anything, and what is no answer must not pass for one of the server. */
function requireAnswer(answer: Response): Response {
  const { status, type, headers } = (answer ?? {}) as Partial<Response>;
  if (type === 'opaqueredirect') {
    throw new ExchangeFailure('network', 'the server redirects, which is never followed');
  }
  if (Number.isInteger(status) && status !== 0 && typeof headers?.get === 'function') return answer;
  throw new ExchangeFailure('network', 'the given fetch answered with no HTTP response');
}

/** Whether a status is 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function headersDeadline(request: HttpRequest): Deadline {
  const { timeoutMs, headersTimeoutMs = timeoutMs, signal } = request;
  return new Deadline({ timeoutMs: Math.min(timeoutMs, headersTimeoutMs), signal });
}

async function readAnswer(response: Response, maxBytes: number, deadline: Deadline): Promise<HttpAnswer> {
  const { status, headers } = response;
  try {
    return { status, headers, text: await readText(response, maxBytes, deadline) };
  } catch (error) {
    // A refusal is one also where its explanation got lost.
    if (isSuccess(status)) throw error;
    return { status, headers, text: '' };
  }
}

async function readText(
  response: Response,
  maxBytes: number,
  deadline: Deadline,
): Promise<string | undefined> {
  const body = response.body;
  if (!body) {
    // No stream: an empty body, or a `fetch` that has none to give.
    const text = await deadline.race(
      typeof response.text === 'function' ? response.text() : jsonText(response),
    );
    return text.length > maxBytes ? undefined : text;
  }
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for (;;) {
    const { done, value } = await deadline.race(reader.read()).catch((error: unknown) => {
      cancel(reader);
      throw error;
    });
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > maxBytes) {
      cancel(reader);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

async function jsonText(response: Response): Promise<string> {
  return JSON.stringify(await response.json());
}

/** The body, with its failures turned into ours, and ended by the caller's signal whatever the `fetch` does. */
function watch(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
  failed: (failure: ExchangeFailure) => Error,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isOver = false;
  let onAbort = (): void => undefined;
  const finish = (): boolean => {
    if (isOver) return false;
    isOver = true;
    // A `fetch` may hold the signal until the request is collected, which the listener would keep from happening.
    deadline.signal.removeEventListener('abort', onAbort);
    deadline.end();
    return true;
  };
  const fail = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void => {
    if (!finish()) return;
    cancel(reader);
    controller.error(failed(deadline.failure(error)));
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // No race for each chunk: a stream may live for weeks, and each race would stay on the one promise.
        onAbort = () => fail(controller, deadline.signal.reason);
        deadline.signal.addEventListener('abort', onAbort, { once: true });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (isOver) return;
          if (!done) controller.enqueue(value);
          else if (finish()) controller.close();
        } catch (error) {
          fail(controller, error);
        }
      },
      cancel(reason) {
        finish();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function cancel(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => undefined);
}
