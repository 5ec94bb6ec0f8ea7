import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import { sendError } from '../http/error-handling.ts';
import { isRecord } from '../lib/record.ts';

/** OpenFeature's codes for what is wrong with a request. */
export type OfrepErrorCode = 'PARSE_ERROR' | 'INVALID_CONTEXT' | 'FLAG_NOT_FOUND' | 'GENERAL';

const STATUSES: Readonly<Record<OfrepErrorCode, number>> = {
  PARSE_ERROR: 400,
  INVALID_CONTEXT: 400,
  GENERAL: 400,
  FLAG_NOT_FOUND: 404,
};

/** A failure in the terms of OFREP. */
export class OfrepError extends Error {
  override readonly name = 'OfrepError';
  readonly errorCode: OfrepErrorCode;

  /** @param message shown to the caller as `errorDetails` */
  constructor(errorCode: OfrepErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** Calls `check`; its refusals become errors with that code. */
export function asOfrepError<Result>(errorCode: OfrepErrorCode, check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof Refusal) throw new OfrepError(errorCode, error.message);
    throw error;
  }
}

/** Responds to errors of a scope's routes with `{ key?, errorCode?, errorDetails }`. */
export function respondInOfrep(scope: FastifyInstance): void {
  scope.setErrorHandler((error, request, reply) => {
    if (!(error instanceof OfrepError)) return sendError(error, request, reply);
    const { errorCode, message } = error;
    return reply.code(STATUSES[errorCode]).send({ errorCode, message });
  });
  // The statuses and texts of all other errors are those of every route, in OFREP's form.
  scope.addHook('preSerialization', (request, reply, payload, done) => {
    done(null, reply.statusCode < 400 || !isRecord(payload) ? payload : toOfrep(request, reply, payload));
  });
}

/** Puts the error of a path that no route gets, such as one that is too long, in the form of OFREP. */
export function respondInOfrepToBadPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(isRecord(body) ? toOfrep(request, reply, body) : body));
}

function toOfrep(
  request: FastifyRequest,
  reply: FastifyReply,
  { errorCode, message, cause }: Record<string, unknown>,
): Record<string, unknown> {
  const { key } = (request.params ?? {}) as { key?: string };
  const code = errorCode ?? (reply.statusCode === 400 ? 'PARSE_ERROR' : undefined);
  const errorDetails = [message, cause].filter((text) => typeof text === 'string').join(' ');
  return { ...(key !== undefined && { key }), ...(code !== undefined && { errorCode: code }), errorDetails };
}
