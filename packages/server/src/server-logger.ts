import type { FastifyBaseLogger } from 'fastify';
import { type DestinationStream, destination, type Level, pino, stdTimeFunctions } from 'pino';
import { errorCode } from './lib/error-code.ts';

/** How much the server logs. */
export type LogLevel = Level | 'silent';

/** A logger of failures; the domain needs no more of it. */
export type ErrorLog = Pick<FastifyBaseLogger, 'error'>;

const STANDARD_ERROR = 2;
/** Defence in depth: nothing here logs requests, but what an embedding application adds may. */
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

/** Makes the logger of a server process: JSON lines, to standard error by default. */
export function createServerLogger(options: {
  level: LogLevel;
  stream?: DestinationStream;
}): FastifyBaseLogger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // Fastify's own lines, where an application lets it write them, are as short as ours.
      serializers: { req: describeRequest, err: describeError },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    options.stream ?? destination(STANDARD_ERROR),
  );
}

/** Kind and place of an error, not its message, which may quote a value. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = errorCode(error);
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    frames: error.stack?.split('\n').filter((line) => /^\s+at /.test(line)),
  };
}

function describeRequest(request: { method?: string; url?: string }): Record<string, unknown> {
  return { method: request.method, path: safePath(request.url ?? '') };
}

/** A URL without its query, which may carry a key or a context; cut where it is very long. */
export function safePath(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
