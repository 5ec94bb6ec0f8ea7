import { Deadline } from './deadline.ts';
import { ExchangeFailure } from './exchange-failure.ts';
import { onAbort } from './on-abort.ts';
import type { Fetch } from './unpatched-fetch.ts';

/** A single attempt of a request. */
export interface HttpAttempt {
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  /** Time limit in milliseconds, including the body; for a stream until its headers. */
  timeoutMs: number;
  /** Time limit until the headers, including the connection; default `timeoutMs`. */
  headersTimeoutMs?: number | undefined;
  /** Largest body that is read, in bytes. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** A response with any status. `text` is undefined if the body was larger than `maxBytes`. */
export interface HttpResponse {
  status: number;
  headers: { get(name: string): string | null };
  text: string | undefined;
}

/** A response whose body the caller reads. */
export interface HttpStream {
  status: number;
  headers: { get(name: string): string | null };
  stream: ReadableStream<Uint8Array>;
}

/**
 * Sends a request and reads its response, within limits that hold even if `fetch` ignores them.
 *
 * @throws {ExchangeFailure} if no complete response arrives.
 */
export async function sendAttempt(fetch: Fetch, attempt: HttpAttempt): Promise<HttpResponse> {
  const deadline = headersDeadline(attempt);
  try {
    const response = await deadline.race(start(fetch, attempt, deadline));
    deadline.extend(attempt.timeoutMs);
    return await readResponse(response, attempt.maxBytes, deadline);
  } catch (error) {
    throw deadline.failure(error);
  } finally {
    deadline.end();
  }
}

/**
 * Opens a stream: the body of a 2xx response, which lives until `signal` aborts. Any other response is read whole.
 *
 * @param toError - converts a failure of the open stream to the error that its reader gets.
 * @throws {ExchangeFailure} if no response arrives.
 */
export async function openAttempt(
  fetch: Fetch,
  attempt: HttpAttempt,
  toError: (failure: ExchangeFailure) => Error,
): Promise<HttpResponse | HttpStream> {
  const deadline = headersDeadline(attempt);
  try {
    const response = await deadline.race(start(fetch, attempt, deadline));
    if (!isSuccess(response.status) || !response.body) {
      deadline.extend(attempt.timeoutMs);
      const whole = await readResponse(response, attempt.maxBytes, deadline);
      deadline.end();
      return whole;
    }
    deadline.stopClock();
    const stream = guardStream(response.body, deadline, toError);
    return { status: response.status, headers: response.headers, stream };
  } catch (error) {
    const failure = deadline.failure(error);
    deadline.end();
    throw failure;
  }
}

async function start(fetch: Fetch, attempt: HttpAttempt, deadline: Deadline): Promise<Response> {
  const response = await fetch(attempt.url, {
    method: attempt.method,
    headers: { ...attempt.headers },
    ...(attempt.body !== undefined && { body: attempt.body }),
    signal: deadline.signal,
    // Following a redirect would send the credentials to a server that nobody configured.
    redirect: 'manual',
    ...(supportsCacheMode() && { cache: 'no-store' }),
  });
  return requireResponse(response);
}

/** Whether requests can ask caches to store nothing. Cloudflare Workers with an older compatibility date throw. */
function supportsCacheMode(): boolean {
  return typeof Request !== 'function' || 'cache' in Request.prototype;
}

/** A custom `fetch` may return anything; only an HTTP response may pass for one of the server. */
function requireResponse(response: Response): Response {
  const { status, type, headers } = (response ?? {}) as Partial<Response>;
  if (type === 'opaqueredirect') {
    throw new ExchangeFailure('network', 'the server redirects, and redirects are never followed');
  }
  if (Number.isInteger(status) && status !== 0 && typeof headers?.get === 'function') return response;
  throw notHttp();
}

function notHttp(): ExchangeFailure {
  return new ExchangeFailure('network', 'the given fetch did not return an HTTP response');
}

/** Whether a status is 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function headersDeadline(attempt: HttpAttempt): Deadline {
  const { timeoutMs, headersTimeoutMs = timeoutMs, signal } = attempt;
  return new Deadline({ timeoutMs: Math.min(timeoutMs, headersTimeoutMs), signal });
}

async function readResponse(response: Response, maxBytes: number, deadline: Deadline): Promise<HttpResponse> {
  const { status, headers } = response;
  try {
    return { status, headers, text: await readText(response, maxBytes, deadline) };
  } catch (error) {
    // An error status counts even if its body is lost.
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
    // An empty body, or a custom `fetch` that does not support streams.
    const text = await deadline.race(
      typeof response.text === 'function' ? response.text() : jsonText(response),
    );
    if (typeof text !== 'string') throw notHttp();
    return text.length > maxBytes ? undefined : text;
  }
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  try {
    for (;;) {
      const { done, value } = await deadline.race(reader.read());
      if (done) return text + decoder.decode();
      requireBytes(value);
      size += value.byteLength;
      if (size > maxBytes) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    cancel(reader);
    throw error;
  }
  cancel(reader);
  return undefined;
}

/** A custom `fetch` may stream anything. The error of a text decoder would quote it. */
function requireBytes(chunk: unknown): void {
  if (!ArrayBuffer.isView(chunk)) throw notHttp();
}

async function jsonText(response: Response): Promise<string> {
  return JSON.stringify(await response.json());
}

/** Wraps a body so that it ends when the deadline's signal aborts and fails with errors of this package only. */
function guardStream(
  body: ReadableStream<Uint8Array>,
  deadline: Deadline,
  toError: (failure: ExchangeFailure) => Error,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isOver = false;
  let removeListener = (): void => undefined;
  const finish = (): boolean => {
    if (isOver) return false;
    isOver = true;
    // `fetch` may hold the signal until the request is garbage-collected, which the listener would prevent.
    removeListener();
    deadline.end();
    return true;
  };
  const fail = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void => {
    if (!finish()) return;
    cancel(reader);
    controller.error(toError(deadline.failure(error)));
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Not `deadline.race` for each chunk: a stream may live for weeks, and every race would add to one promise.
        removeListener = onAbort(deadline.signal, () => fail(controller, deadline.signal.reason));
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (isOver) return;
          if (!done) {
            requireBytes(value);
            controller.enqueue(value);
          } else if (finish()) controller.close();
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
