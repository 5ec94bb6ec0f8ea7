import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { AttemptLimiter } from './attempt-limiter.ts';
import { AuthClientService } from './auth-client-service.ts';
import { createGuard } from './authentication.ts';
import { type Bootstrap, bootstrap } from './bootstrap.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { ChangeBus } from './change-bus.ts';
import { ClientDirectory } from './client-directory.ts';
import { ConfigService } from './config-service.ts';
import { credentialsFileOf, type ServerCredentials } from './credentials-file.ts';
import { registerCors } from './cross-origin.ts';
import { registerErrorHandling, sendError } from './error-handling.ts';
import { ServerStartError } from './errors.ts';
import { requestAjvOptions, requestValidationError } from './request-validation.ts';
import { registerAuthClientRoutes } from './routes/auth-clients.ts';
import { registerDiscoveryRoutes } from './routes/discovery.ts';
import { registerEnvironmentsRoutes } from './routes/environments.ts';
import { registerEvaluateRoutes } from './routes/evaluate.ts';
import { registerHealthRoutes } from './routes/health.ts';
import { registerRevokeRoutes } from './routes/revoke.ts';
import { registerRulesetRoutes } from './routes/ruleset.ts';
import { registerSchemasRoutes } from './routes/schemas.ts';
import { registerSegmentsRoutes } from './routes/segments.ts';
import { registerSnapshotRoutes } from './routes/snapshot.ts';
import { registerStreamRoutes } from './routes/stream.ts';
import { registerTokenRoutes } from './routes/token.ts';
import { registerValuesRoutes } from './routes/values.ts';
import type { ServerContext } from './server-context.ts';
import { registerRequestLog } from './server-logger.ts';
import {
  type ConfigServerOptions,
  isLoopback,
  localUrl,
  type ResolvedOptions,
  resolveOptions,
} from './server-options.ts';
import { loadEncryptionKey } from './storage/encryption-key.ts';
import { openSqliteStorage } from './storage/sqlite-storage.ts';
import type { Storage } from './storage/storage.ts';
import { StorageError } from './storage/storage-error.ts';
import { TokenService } from './token-service.ts';

/** A config server that listens. */
export interface ConfigServer {
  /** Base URL of the config API and the OAuth issuer, without a trailing slash. */
  readonly url: string;
  readonly organizationId: string;
  /** Names. */
  readonly environments: readonly string[];
  /** Where the admin credentials are kept; undefined in memory. */
  readonly credentialsFile: string | undefined;
  /** `lost`: the file does not hold valid ones (any more); start with `newAdminClient` to make new ones. */
  readonly credentialsState: Bootstrap['credentialsState'];
  /** The admin credentials that were made now: on the first start, in memory, or with `newAdminClient`. */
  readonly credentials: ServerCredentials | undefined;
  /** Ends streams, lets requests finish within the deadline, closes the storage. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a config server; it listens when the promise resolves.
 *
 * @throws {ServerStartError} for a bad option, an address in use, a database or credentials file that cannot be used
 * @example
 * const server = await createConfigServer({ db: './config.db', port: 4100 });
 */
export async function createConfigServer(options: ConfigServerOptions = {}): Promise<ConfigServer> {
  const resolved = resolveOptions(options, credentialsFileOf);
  const storage = await openStorage(resolved);
  let app: FastifyInstance | undefined;
  try {
    const closing = new AbortController();
    const location = { url: resolved.publicUrl ?? '' };
    app = await buildApp(resolved, storage, { location, closing: closing.signal });
    await listen(app, resolved);
    if (location.url === '') location.url = localUrl(resolved.host, boundPort(app));
    const { credentialsFile, newAdminClient } = resolved;
    const started = await bootstrap({ storage, url: location.url, credentialsFile, newAdminClient });
    const environments = await storage.listEnvironments(started.organizationId);
    const close = closeOnce(app, storage, { closing, deadlineMs: resolved.timeouts.closeMs });
    return {
      url: location.url,
      environments: environments.map(({ name }) => name),
      credentialsFile,
      ...started,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await app?.close();
    await storage.close();
    throw error;
  }
}

async function openStorage({ db, env }: ResolvedOptions): Promise<Storage> {
  try {
    return await openSqliteStorage({ file: db, encryptionKey: await loadEncryptionKey({ file: db, env }) });
  } catch (cause) {
    const known = cause instanceof StorageError;
    const message = known ? cause.message : `The database ${db} cannot be opened.`;
    throw new ServerStartError('ERR_DATABASE_UNAVAILABLE', message, { cause });
  }
}

async function buildApp(
  options: ResolvedOptions,
  storage: Storage,
  { location, closing }: { location: { url: string }; closing: AbortSignal },
): Promise<FastifyInstance> {
  const app = createFastify(options);
  const changes = new ChangeBus();
  const clients = new ClientDirectory(storage);
  const tokens = await TokenService.open(storage, { ttlSec: options.tokenTtlSec });
  const context: ServerContext = {
    storage,
    changes,
    log: app.log,
    service: new ConfigService({ storage, changes, log: app.log }),
    publicUrl: () => location.url,
    guard: createGuard(tokens, clients),
    onClientRevoked: (clientId, listener) => clients.onRevoked(clientId, listener),
    closing,
  };
  registerErrorHandling(app);
  registerRequestLog(app);
  await registerCors(app, clients);
  const oauth = { tokens, limiter: new AttemptLimiter(options.tokenAttempts) };
  registerHealthRoutes(app, context);
  registerDiscoveryRoutes(app, context, { tokens });
  registerTokenRoutes(app, context, oauth);
  registerRevokeRoutes(app, context, oauth);
  registerAuthClientRoutes(app, context, new AuthClientService({ storage, clients }));
  registerConfigRoutes(app, context);
  return app;
}

function registerConfigRoutes(app: FastifyInstance, context: ServerContext): void {
  registerValuesRoutes(app, context);
  registerSchemasRoutes(app, context);
  registerEnvironmentsRoutes(app, context);
  registerSegmentsRoutes(app, context);
  registerEvaluateRoutes(app, context);
  registerRulesetRoutes(app, context);
  registerStreamRoutes(app, context);
  registerSnapshotRoutes(app, context);
}

function createFastify(options: ResolvedOptions): FastifyInstance {
  const { timeouts, logger } = options;
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : {}),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: options.bodyLimitBytes,
    connectionTimeout: timeouts.idleMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    requestTimeout: timeouts.requestMs,
    // Node looks for slow requests at an interval of 30 s unless told otherwise.
    http: {
      headersTimeout: Math.min(timeouts.headersMs, timeouts.requestMs),
      connectionsCheckingInterval: Math.min(1_000, Math.max(20, timeouts.headersMs / 4)),
    },
    forceCloseConnections: 'idle',
    // A HEAD of a stream would never end.
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
    ajv: requestAjvOptions,
    schemaErrorFormatter: (issues, part) => requestValidationError(issues, part),
    frameworkErrors: (error, request, reply) => {
      void sendError(error, request, reply);
    },
    clientErrorHandler: answerBrokenRequest,
  });
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('principal', undefined);
  return app;
}

async function listen(app: FastifyInstance, { host, port }: ResolvedOptions): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new ServerStartError('ERR_ADDRESS_UNAVAILABLE', addressMessage(code, host, port), { cause });
  }
  if (!isLoopback(host)) {
    app.log.warn({ host }, 'listening beyond this machine in plain HTTP: put TLS in front of it');
  }
}

function addressMessage(code: string, host: string, port: number): string {
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken. Choose another port, or 0 for a free one.`;
  }
  if (code === 'EACCES')
    return `Port ${port} on ${host} is not allowed to this user. Choose a port from 1024 on.`;
  return `The server cannot listen on ${host}, port ${port}${code === '' ? '' : ` (${code})`}.`;
}

function boundPort(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

function closeOnce(
  app: FastifyInstance,
  storage: Storage,
  { closing, deadlineMs }: { closing: AbortController; deadlineMs: number },
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    closing.abort();
    const deadline = setTimeout(() => app.server.closeAllConnections(), deadlineMs);
    try {
      await app.close();
    } finally {
      clearTimeout(deadline);
      await storage.close();
    }
  };
  return () => {
    closed ??= close();
    return closed;
  };
}
