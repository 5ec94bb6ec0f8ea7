import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { AccessWatch } from './auth/access-watch.ts';
import { AttemptLimiter } from './auth/attempt-limiter.ts';
import { AuthClientService } from './auth/auth-client-service.ts';
import { createGuard } from './auth/authentication.ts';
import { ClientDirectory } from './auth/client-directory.ts';
import { TokenService } from './auth/token-service.ts';
import { ChangeBus } from './domain/change-bus.ts';
import { ConfigService, type ConfigServiceOptions } from './domain/config-service.ts';
import { respondToBrokenRequest } from './http/broken-request.ts';
import { registerClosing, registerStarting } from './http/connections.ts';
import { type Counters, noCounters, registerCounters } from './http/counters.ts';
import { registerCors } from './http/cross-origin.ts';
import { registerErrorHandling, sendError } from './http/error-handling.ts';
import { registerHttpRefusals } from './http/http-refusals.ts';
import { registerJsonBody } from './http/json-body.ts';
import { registerLoadShedding } from './http/load-shedding.ts';
import { OpenStreams } from './http/open-streams.ts';
import { registerOpenapi } from './http/openapi.ts';
import { ReadLimit, registerReadLimit } from './http/read-limit.ts';
import { registerRequestLog } from './http/request-log.ts';
import { requestAjvOptions, requestValidationError } from './http/request-validation.ts';
import { registerSecurityHeaders } from './http/security-headers.ts';
import type { ServerContext } from './http/server-context.ts';
import { StreamLimits } from './http/stream-limits.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';
import { packageVersion } from './package-version.ts';
import { apiSchemas } from './routes/api-schemas.ts';
import { registerAuthClientRoutes } from './routes/auth-clients.ts';
import { registerDiscoveryRoutes } from './routes/discovery.ts';
import { registerEnvironmentsRoutes } from './routes/environments.ts';
import { registerEvaluateRoutes } from './routes/evaluate.ts';
import { registerHealthRoutes } from './routes/health.ts';
import { registerIndexPage } from './routes/index-page.ts';
import { registerOfrepRoutes } from './routes/ofrep.ts';
import { respondInOfrepToBadPath } from './routes/ofrep-error.ts';
import { registerOpenapiRoute } from './routes/openapi.ts';
import { registerRevokeRoutes } from './routes/revoke.ts';
import { registerRulesetRoutes } from './routes/ruleset.ts';
import { registerSchemasRoutes } from './routes/schemas.ts';
import { registerSegmentsRoutes } from './routes/segments.ts';
import { registerSnapshotRoutes } from './routes/snapshot.ts';
import { registerStreamRoutes } from './routes/stream.ts';
import { registerTokenRoutes } from './routes/token.ts';
import { registerValuesRoutes } from './routes/values.ts';
import { describeError, type ErrorLog } from './server-logger.ts';
import type { ResolvedOptions } from './server-options.ts';
import type { Storage } from './storage/storage.ts';
import { Webhooks } from './webhooks/webhooks.ts';

/** What the app shares with the server that starts it. */
interface AppState {
  location: { url: string };
  phase: { readonly isStarted: boolean; readonly isDraining: boolean };
  closing: AbortSignal;
  metrics: ServerMetrics | undefined;
}

/** Builds the Fastify instance with every route. It does not listen yet. */
export async function createApp(
  options: ResolvedOptions,
  storage: Storage,
  { location, phase, closing, metrics }: AppState,
): Promise<{ app: FastifyInstance; webhooks: Webhooks }> {
  const counters = metrics ?? noCounters;
  const app = createFastify(options, counters);
  const changes = new ChangeBus();
  const isShared = storage.shared !== undefined;
  const clients = new ClientDirectory(storage, {
    requireFresh: isShared ? () => service.requireFresh() : undefined,
  });
  const tokens = await TokenService.open(storage, { ttlSec: options.tokenTtlSec });
  const access = new AccessWatch({ tokens, clients });
  const service = new ConfigService({
    storage,
    changes,
    log: app.log,
    replica: {
      access: followAccess({ tokens, clients, log: app.log }),
      maxOfflineMs: options.timeouts.offlineMs,
    },
  });
  const readView = (id: string) => service.viewById(id);
  const webhooks = new Webhooks({ targets: options.webhooks, changes, log: app.log, readView });
  app.addHook('onClose', async () => {
    await webhooks.close(options.timeouts.closeMs);
    await service.close();
  });
  metrics?.watch({ service, webhooks });
  await startReplica(storage, { service, tokens, clients });
  const context: ServerContext = {
    storage,
    log: app.log,
    service,
    publicUrl: () => location.url,
    guard: createGuard({ tokens, clients }),
    onAccessLost: (principal, listener) => access.onLost(principal, listener),
    closing,
    streams: options.streams,
    openStreams: new OpenStreams({ closing, heartbeatMs: options.streams.heartbeatMs }),
    streamLimits: new StreamLimits(options.streams),
    counters,
    isDraining: () => phase.isDraining,
  };
  await registerHooks(app, options, { phase, closing, counters, clients });
  const oauth = { tokens, clients, limiter: new AttemptLimiter(options.tokenAttempts) };
  registerIndexPage(app, context);
  registerHealthRoutes(app, context);
  registerOpenapiRoute(app, context);
  registerDiscoveryRoutes(app, context, { tokens });
  registerTokenRoutes(app, context, oauth);
  registerRevokeRoutes(app, context, oauth);
  registerAuthClientRoutes(app, context, new AuthClientService({ storage, clients }));
  registerConfigRoutes(app, context);
  return { app, webhooks };
}

/** What happens to the requests of every route. */
async function registerHooks(
  app: FastifyInstance,
  options: ResolvedOptions,
  {
    phase,
    closing,
    counters,
    clients,
  }: Pick<AppState, 'phase' | 'closing'> & { counters: Counters; clients: ClientDirectory },
): Promise<void> {
  registerErrorHandling(app);
  registerSecurityHeaders(app);
  registerRequestLog(app);
  registerCounters(app, counters);
  registerStarting(app, phase);
  registerClosing(app, closing);
  registerHttpRefusals(app);
  registerReadLimit(app, new ReadLimit(options.reads));
  await registerCors(app, clients);
  registerLoadShedding(app, options.maxEventLoopDelayMs);
  // It describes the routes that are registered after it.
  await registerOpenapi(app, apiSchemas, packageVersion());
}

interface AccessParts {
  tokens: TokenService;
  clients: ClientDirectory;
}

/** Applies changes of access that other processes make. */
function followAccess({
  tokens,
  clients,
  log,
}: AccessParts & { log: ErrorLog }): NonNullable<ConfigServiceOptions['replica']>['access'] {
  return {
    accessChanged: ({ kind, id, mayDoLess }) => {
      if (kind === 'token') tokens.revokedElsewhere(id);
      else clients.changedElsewhere(id, { mayDoLess });
    },
    accessUnknown: () => {
      clients.forgetAll();
      tokens.forgetAll().catch((error: unknown) => {
        log.error({ failure: describeError(error) }, 'the revoked tokens could not be read');
      });
    },
  };
}

/** Begins to follow a database that others write to. What is read first is served while it cannot be reached. */
async function startReplica(
  storage: Storage,
  { service, tokens, clients }: AccessParts & { service: ConfigService },
): Promise<void> {
  if (storage.shared === undefined) return;
  await service.start();
  await tokens.readAhead();
  for (const { id } of await storage.listOrganizations()) await clients.readAhead(id);
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
  registerOfrepRoutes(app, context);
}

function createFastify(options: ResolvedOptions, counters: Counters): FastifyInstance {
  const { timeouts, logger } = options;
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : {}),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: options.bodyLimitBytes,
    connectionTimeout: timeouts.idleMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    requestTimeout: timeouts.requestMs,
    http: {
      // `registerHttpRefusals` checks it and gives a message.
      requireHostHeader: false,
      headersTimeout: Math.min(timeouts.headersMs, timeouts.requestMs),
      // Node's default of 30 s would let slow requests live far beyond their limits.
      connectionsCheckingInterval: Math.min(1_000, Math.max(20, timeouts.headersMs / 4)),
    },
    forceCloseConnections: 'idle',
    // A HEAD of a stream would never end.
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
    ajv: requestAjvOptions,
    schemaErrorFormatter: (issues, part) => requestValidationError(issues, part),
    frameworkErrors: (error, request, reply) => {
      // Hooks do not run for these.
      void reply.header('x-content-type-options', 'nosniff');
      reply.raw.once('finish', () => counters.responded(request, reply));
      if (request.url.startsWith('/ofrep/')) respondInOfrepToBadPath(request, reply);
      void sendError(error, request, reply);
    },
    clientErrorHandler: respondToBrokenRequest,
  });
  app.removeContentTypeParser('text/plain');
  registerJsonBody(app);
  app.decorateRequest('principal', undefined);
  return app;
}
