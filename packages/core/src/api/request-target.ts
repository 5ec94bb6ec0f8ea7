import { OptionsError } from '../errors.ts';

/** A request of `AuthenticatedRequester`. */
export interface ApiRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path segments; each is encoded, so none can change the path. */
  path: readonly string[];
  /** Parameters that are undefined are left out. */
  query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Further headers; they cannot replace `authorization`, nor `content-type` if there is a body. */
  headers?: Readonly<Record<string, string>>;
  /** Ends this call only; a token exchange that others wait for goes on. */
  signal?: AbortSignal | undefined;
  /** Whether the request lasts, so that a token which is about to expire should be replaced first; default false. */
  isLasting?: boolean | undefined;
  /** Whether a 401 is followed by one more attempt with a new token; default true. */
  renewsToken?: boolean | undefined;
  /** Replaces the requester's `retries`, such as 0 for a caller that repeats the call itself. */
  retries?: number | undefined;
  /** Statuses besides 2xx that do not throw. */
  accept?: readonly number[];
  /** Strings of the request that must not appear in an error, such as the value of a secret. */
  confidential?: readonly string[];
}

/** The path of a request. @throws {OptionsError} if a segment cannot be encoded. */
export function pathOf(request: ApiRequest): string {
  return request.path.map((segment) => `/${encodeSegment(segment)}`).join('');
}

/** The body as JSON. @throws {OptionsError} if it cannot be written as JSON. */
export function bodyOf(request: ApiRequest): string | undefined {
  if (request.body === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(request.body);
  } catch {
    // A cycle or a bigint. The engine's message is dropped, because it quotes property names.
  }
  if (text !== undefined) return text;
  throw new OptionsError('body', 'The request body cannot be written as JSON.');
}

/** The parameters of a request. @throws {OptionsError} if a value cannot be encoded. */
export function queryOf(request: ApiRequest): ApiRequest['query'] {
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (encode(value ?? '') !== undefined) continue;
    throw new OptionsError('query', `${JSON.stringify(value)} cannot be used as the parameter "${name}".`);
  }
  return request.query;
}

/** The headers of a request, without its token. @throws {OptionsError} if a name or value is not valid in HTTP. */
export function headersOf(request: ApiRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new OptionsError('headers', `The header ${JSON.stringify(name)} has an invalid name or value.`);
    }
    headers[name.toLowerCase()] = value;
  }
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  return headers;
}

function encodeSegment(segment: unknown): string {
  // URL parsers treat "." and ".." as steps even when they are encoded.
  const isName = typeof segment === 'string' && segment !== '' && segment !== '.' && segment !== '..';
  const encoded = isName ? encode(segment) : undefined;
  if (encoded !== undefined) return encoded;
  const remedy =
    segment === '.' || segment === '..'
      ? ' by itself, because it means a step in a path: rename the key, or read all values at once.'
      : '. It must be a non-empty string without half of a surrogate pair.';
  throw new OptionsError('path', `${JSON.stringify(segment)} cannot be in a URL${remedy}`);
}

/** Returns undefined for a string with a lone surrogate, which cannot be encoded. */
function encode(text: string): string | undefined {
  try {
    return encodeURIComponent(text);
  } catch {
    return undefined;
  }
}
