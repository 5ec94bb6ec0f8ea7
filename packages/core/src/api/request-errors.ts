import { settingName } from '../environment-variable.ts';
import { RequestRejectedError, RequestTransportError, ResponseMalformedError } from '../errors.ts';
import { ExchangeFailure, transportCause } from '../http/exchange-failure.ts';
import { type HttpResponse, isSuccess } from '../http/http-attempt.ts';
import { redact } from '../http/redact.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import { parseJson } from '../lib/json.ts';
import { readRefusal } from './request-refusal.ts';
import { type ApiRequest, pathOf } from './request-target.ts';

/** No complete response arrived. `secrets` are strings that the error must not repeat. */
export function transportError(
  request: ApiRequest,
  failure: ExchangeFailure,
  { secrets, attempts = 1 }: { secrets: readonly string[]; attempts?: number },
): RequestTransportError {
  const reason = redact(failure.reason, secrets);
  const times = attempts > 1 ? ` after ${attempts} attempts` : '';
  const api = settingName('apiUrl');
  const check =
    failure.kind === 'refused' ? `${api}, and that the server is running` : `${api} and the network`;
  const advice = failure.kind === 'aborted' ? '' : ` Check ${check}.`;
  const message = `${describe(request)} failed${times}: ${reason}.${advice}${failure.hint}`;
  return new RequestTransportError(message, {
    reason: failure.kind,
    cause: transportCause(failure, reason),
  });
}

/** The deadline ended before there was a token to send. */
export function tokenTimeoutError(request: ApiRequest, deadlineMs: number): RequestTransportError {
  const reason = `no access token within ${deadlineMs} ms`;
  const failure = new ExchangeFailure('timeout', reason, 'ETIMEDOUT');
  const message = `${describe(request)} failed: ${reason}. Check ${settingName('authUrl')} and the network.`;
  return new RequestTransportError(message, {
    reason: failure.kind,
    cause: transportCause(failure, reason),
  });
}

/** The server responded with an error status, or reported a failure in a 2xx response. */
export function rejectedError(
  request: ApiRequest,
  response: HttpResponse,
  secrets: readonly string[],
): RequestRejectedError {
  const { status, text } = response;
  const body = readRefusal(status, text === undefined ? undefined : parseJson(text), secrets);
  const [serverMessage] = [body?.message, body?.error].filter((words) => typeof words === 'string');
  const reported = isSuccess(status) ? ', but reports a failure' : '';
  const cause = typeof body?.cause === 'string' ? ` (${body.cause})` : '';
  const words = serverMessage === undefined ? '' : `: ${serverMessage}${cause}`;
  const retryAfterMs = readRetryAfter(response.headers);
  return new RequestRejectedError(
    `${describe(request)} returned ${status}${reported}${words}${remedy(request, status, words)}`,
    {
      status,
      ...(serverMessage !== undefined && { serverMessage }),
      ...(body !== undefined && { body }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** The response cannot be used; `what` says why, such as "is not valid JSON". */
export function malformedError(request: ApiRequest, what: string): ResponseMalformedError {
  return new ResponseMalformedError(
    `The response to ${describe(request)} ${what}. Check that ${settingName('apiUrl')} is the base URL of a config API.`,
  );
}

function describe(request: ApiRequest): string {
  return `${request.method} ${pathOf(request)}`;
}

/** What to do about a status, in the server's words as far as it has some; they cannot name our settings. */
function remedy(request: ApiRequest, status: number, words: string): string {
  if (status === 401) {
    const end = words === '' ? '.' : '';
    if (request.renewsToken === false) {
      return `${end} The access token was refused: check that the API at apiUrl accepts tokens from authUrl, then try again.`;
    }
    return `${end} A new access token was refused too: check that the API at apiUrl accepts tokens from authUrl.`;
  }
  const setting = settingToCheck(request, status, words);
  if (setting !== undefined) return `${/[.!?)]$/.test(words) ? '' : '.'} Check ${setting}.`;
  if (words !== '') return '';
  if (status >= 300 && status < 400) return ', a redirect. Set apiUrl to the URL it leads to.';
  return status >= 500 || status === 429 ? '. Try again later.' : '.';
}

const ORGANIZATION = settingName('organizationId');
const ENVIRONMENT = settingName('environment');
/** Paths that every config API has, so that a 404 is about what stands before them. */
const COLLECTIONS = new Set(['values', 'schemas', 'environments', 'auth-clients']);

/** The setting that a 403 or 404 is probably about. */
function settingToCheck(request: ApiRequest, status: number, words: string): string | undefined {
  if (status !== 403 && status !== 404) return undefined;
  const api = `${settingName('apiUrl')}: it must be the base URL of a config API`;
  // First, because such a message may quote the path, which has the other words in it.
  if (status === 404 && /endpoint/i.test(words)) return api;
  if (/organi[sz]ation/i.test(words)) return ORGANIZATION;
  const mentionsEnvironment = /environment/i.test(words);
  if (mentionsEnvironment && request.query?.environment !== undefined) return ENVIRONMENT;
  if (status === 403 && words === '') return `${ORGANIZATION}, ${ENVIRONMENT} and what this client may do`;
  const isCollection = COLLECTIONS.has(request.path.at(-1) ?? '');
  return status === 404 && !mentionsEnvironment && isCollection ? api : undefined;
}
