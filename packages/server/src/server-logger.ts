import type { FastifyBaseLogger } from 'fastify';
import { type DestinationStream, destination, type Level, pino, stdTimeFunctions } from 'pino';
import { errorCode } from './lib/error-code.ts';

/** How much the server logs. */
export type LogLevel = Level | 'silent';

/** The part of a logger that reports failures. */
export type ErrorLog = Pick<FastifyBaseLogger, 'error'>;

const STANDARD_ERROR = 2;
/** Defence in depth: the server never logs these, but an embedding application might. */
const REDACTED = [
  'authorization',
  'headers.authorization',
  'req.headers.authorization',
  'request.headers.authorization',
  'clientSecret',
  'client_secret',
  'access_token',
  'body',
  'req.body',
];

/** `    at name (file:1:2)`: the message may have been changed since the stack was recorded. */
const FRAME = /^ {4}at (?:.* \()?[^()]*(?::\d+:\d+|<anonymous>|native)\)?$/;

/** Creates a logger that writes JSON lines, to standard error by default. */
export function createServerLogger(options: {
  level: LogLevel;
  stream?: DestinationStream;
}): FastifyBaseLogger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // In case an application enables Fastify's own request lines.
      serializers: { req: describeRequest, err: describeError },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    options.stream ?? destination(STANDARD_ERROR),
  );
}

/** The type, code and stack frames of an error, without its message, which may quote a value. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = errorCode(error);
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    frames: stackFrames(error),
  };
}

/** The frames of a stack. A line of the message that looks like one is left out with the rest of the message. */
export function stackFrames({ stack = '', message }: Error): string[] {
  const messageAt = message === '' ? -1 : stack.indexOf(message);
  const lines = (messageAt < 0 ? stack : stack.slice(messageAt + message.length)).split('\n');
  return lines.filter((line) => FRAME.test(line));
}

function describeRequest(request: { method?: string; url?: string }): Record<string, unknown> {
  return { method: request.method, path: safePath(request.url ?? '') };
}

/** A URL without its query, which may contain a key or a context. A very long one is cut. */
export function safePath(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
