import type { FastifyBaseLogger, onRequestAsyncHookHandler } from 'fastify';
import type { ChangeBus } from '../domain/change-bus.ts';
import type { ConfigService } from '../domain/config-service.ts';
import type { Storage } from '../storage/storage.ts';
import type { StreamOptions } from './event-stream.ts';

/** What a credential may do: read values, write them, manage clients. */
export type Scope = 'config:read' | 'config:write' | 'config:admin';

/** Who sends a request, as authentication found out. */
export interface Principal {
  clientId: string;
  type: 'm2m' | 'b2m';
  organizationId: string;
  /** Names of the environments it may use; undefined for all. */
  environments: readonly string[] | undefined;
  scopes: ReadonlySet<Scope>;
}

/** What a route asks of its caller. */
export interface AccessRule {
  scope: Scope;
  /** Whether a publishable key may call it too (default false). */
  browser?: boolean;
}

/** Everything that routes share; made once in `createConfigServer`. */
export interface ServerContext {
  readonly storage: Storage;
  readonly service: ConfigService;
  readonly changes: ChangeBus;
  readonly log: FastifyBaseLogger;
  /** The base URL that clients reach the server by, without a trailing slash; known once it listens. */
  readonly publicUrl: () => string;
  /**
   * An onRequest hook (so that nobody's body is read or checked before they are known) that authenticates (bearer
   * token, publishable key, `?key=`), checks the rule and, where the path has `:org`, the organization; it sets
   * `request.principal`. Answers 401 or 403 by itself.
   */
  readonly guard: (rule: AccessRule) => onRequestAsyncHookHandler;
  /**
   * Calls `listener` once when that client is revoked or loses rights, so that what it has open ends; answers the way
   * to stop listening.
   */
  readonly onClientRevoked: (clientId: string, listener: () => void) => () => void;
  /** Aborted when the server begins to close: every open stream ends. */
  readonly closing: AbortSignal;
  /** Heartbeat and buffer of event streams; the defaults of `StreamOptions` without it. */
  readonly streams?: StreamOptions;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}
