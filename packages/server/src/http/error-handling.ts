import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import { errorCode } from '../lib/error-code.ts';
import { describeError, safePath } from '../server-logger.ts';
import { UniqueViolationError } from '../storage/storage.ts';
import { StorageError, type StorageErrorCode } from '../storage/storage-error.ts';
import { HttpError } from './http-error.ts';
import { OAuthError } from './oauth-error.ts';

const STATUSES: Readonly<Record<RefusalCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'precondition-failed': 412,
  'too-large': 413,
  'too-many-requests': 429,
  busy: 503,
};

/** Messages for Fastify's own refusals: the original ones may quote the body. */
const FASTIFY_REFUSALS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content type is not supported: send application/json.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty, but the content type is application/json.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The size of the body differs from its Content-Length.',
  FST_ERR_BAD_URL: 'The path is not a valid URL.',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is too long.',
  FST_ERR_ASYNC_CONSTRAINT: 'The request is not valid.',
};

/** The disk of the database is full, or it cannot be read or written. */
const STORAGE_STATUSES: Partial<Record<StorageErrorCode, number>> = {
  ERR_STORAGE_FULL: 507,
  ERR_STORAGE_READ_ONLY: 503,
  ERR_STORAGE_UNAVAILABLE: 503,
};

/** When to try again while the storage does not work; a restart of PostgreSQL takes about that long. */
const RETRY_AFTER_SEC = '2';

/** Responds to errors of routes with `{ message, cause? }`, never with a stack or the text of an unknown error. */
export function registerErrorHandling(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ message: `The endpoint ${request.method} ${safePath(request.url)} does not exist.` }),
  );
}

/** Responds with the status and body of an error: see {@link registerErrorHandling}. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Refusal) {
    const { code, message, detail, fields, retryAfterSec } = error;
    if (retryAfterSec !== undefined) void reply.header('retry-after', String(retryAfterSec));
    return reply
      .code(STATUSES[code])
      .send({ ...fields, message, ...(detail === undefined ? {} : { cause: detail }) });
  }
  if (error instanceof UniqueViolationError) {
    return reply.code(STATUSES.conflict).send({ message: error.message });
  }
  const refusal = frameworkRefusal(error);
  if (refusal) return reply.code(refusal.statusCode).send({ message: refusal.message });
  logUnknownError(error, request);
  const { statusCode, message } = failureOf(error, reply);
  return reply.code(statusCode).send({ message });
}

/** Responds with an error in the form of RFC 6749 §5.2, plus `message`. */
export function sendOAuthError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof OAuthError) {
    void reply.code(error.statusCode).headers(error.headers);
    return reply.send({ error: error.error, error_description: error.message, message: error.message });
  }
  const refusal = frameworkRefusal(error);
  if (refusal) {
    const { statusCode, message } = refusal;
    return reply.code(statusCode).send({ error: 'invalid_request', error_description: message, message });
  }
  logUnknownError(error, request);
  const { statusCode, message } = failureOf(error, reply);
  return reply.code(statusCode).send({ error: 'server_error', message });
}

function failureOf(error: unknown, reply: FastifyReply): { statusCode: number; message: string } {
  const statusCode = error instanceof StorageError ? STORAGE_STATUSES[error.code] : undefined;
  if (statusCode === undefined || !(error instanceof StorageError)) {
    return { statusCode: 500, message: 'internal error' };
  }
  if (statusCode === 503) void reply.header('retry-after', RETRY_AFTER_SEC);
  return { statusCode, message: error.message };
}

function frameworkRefusal(error: unknown): { statusCode: number; message: string } | undefined {
  if (error instanceof HttpError) return { statusCode: error.statusCode, message: error.message };
  if (!(error instanceof Error)) return undefined;
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (statusCode < 400 || statusCode >= 500) return undefined;
  const message = FASTIFY_REFUSALS[errorCode(error) ?? ''];
  if (message !== undefined) return { statusCode, message };
  // The JSON parser refuses `__proto__` keys with an error that has no code.
  if (error instanceof SyntaxError) return { statusCode: 400, message: 'The body is not valid JSON.' };
  return { statusCode, message: 'The request is not valid.' };
}

function logUnknownError(error: unknown, request: FastifyRequest): void {
  const { method, url } = request;
  request.log.error({ failure: describeError(error), method, path: safePath(url) }, 'request failed');
}
