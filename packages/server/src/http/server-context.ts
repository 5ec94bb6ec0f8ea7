import type { FastifyBaseLogger, onRequestAsyncHookHandler } from 'fastify';
import type { ConfigService } from '../domain/config-service.ts';
import type { AccessRule } from '../principal.ts';
import type { Storage } from '../storage/storage.ts';
import type { Counters } from './counters.ts';
import type { StreamContext } from './event-stream.ts';
import type { StreamLimits } from './stream-limits.ts';

/** Everything that routes share; created once in `createApp`. */
export interface ServerContext extends StreamContext {
  readonly storage: Storage;
  readonly service: ConfigService;
  readonly log: FastifyBaseLogger;
  readonly streamLimits: StreamLimits;
  readonly counters: Counters;
  /** Whether the server will close soon, although it still serves. */
  readonly isDraining: () => boolean;
  /** The base URL by which clients reach the server, without a trailing slash; known once it listens. */
  readonly publicUrl: () => string;
  /**
   * Creates an onRequest hook that authenticates the caller (bearer token, publishable key, `?key=`), checks the rule and
   * the organization of the path, and sets `request.principal`. It throws a `Refusal` for anyone else, before the body
   * is read.
   */
  readonly guard: (rule: AccessRule) => onRequestAsyncHookHandler;
}
