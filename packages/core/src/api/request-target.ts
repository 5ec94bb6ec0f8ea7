import { OptionsError } from '../errors.ts';

/** One request of `AuthenticatedRequester`. */
export interface ApiRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Parts of the path; each one is encoded, so none can lead elsewhere. */
  path: readonly string[];
  /** What is undefined is left out. */
  query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  /** `authorization`, and `content-type` where there is a body, are set over these. */
  headers?: Readonly<Record<string, string>>;
  /** Ends this call alone: a token exchange that others wait for goes on. */
  signal?: AbortSignal | undefined;
  /** In place of the requester's `retries`, such as 0 where the caller has a loop of its own. */
  retries?: number | undefined;
  /** Statuses besides 2xx that are an answer and no error. */
  accept?: readonly number[];
  /** Texts of the request that must not come back in an error, such as a secret that is being set. */
  confidential?: readonly string[];
}

/** The URL of a request below `apiUrl`. @throws {OptionsError} for a part that would lead elsewhere. */
export function urlOf(apiUrl: string, request: ApiRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, value);
  }
  return `${apiUrl}${pathOf(request)}${query.size > 0 ? `?${query.toString()}` : ''}`;
}

/** The path of a request, every part encoded, slashes too. @throws {OptionsError} as {@link urlOf}. */
export function pathOf(request: ApiRequest): string {
  return request.path.map((part) => `/${encodePart(part)}`).join('');
}

/** The body as JSON. @throws {OptionsError} for what JSON cannot hold; its value is not repeated. */
export function bodyOf(request: ApiRequest): string | undefined {
  if (request.body === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(request.body);
  } catch {
    // A cycle or a bigint; the message of either quotes names of properties.
  }
  if (text !== undefined) return text;
  throw new OptionsError('body', 'The body of a request cannot be written as JSON.');
}

/** The headers, ours over the caller's. @throws {OptionsError} for a name or value that no header can have. */
export function headersOf(
  request: ApiRequest,
  body: string | undefined,
  token: string,
): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new OptionsError('headers', `The header ${JSON.stringify(name)} cannot be sent.`);
    }
    headers[name.toLowerCase()] = value;
  }
  if (body !== undefined) headers['content-type'] = 'application/json';
  headers.authorization = `Bearer ${token}`;
  return headers;
}

function encodePart(part: unknown): string {
  // A URL parser takes dots for steps, encoded or not; a lone surrogate cannot be encoded at all.
  if (typeof part === 'string' && part !== '' && part !== '.' && part !== '..') {
    try {
      return encodeURIComponent(part);
    } catch {}
  }
  throw new OptionsError('path', `${JSON.stringify(part)} cannot be part of a request path.`);
}
