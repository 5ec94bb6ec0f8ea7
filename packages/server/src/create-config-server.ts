import { once, setMaxListeners } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type Bootstrap, bootstrap } from './bootstrap/bootstrap.ts';
import { credentialsFileOf, type ServerCredentials } from './bootstrap/credentials-file.ts';
import { type MovedFile, refuseLostDatabase } from './bootstrap/lost-database.ts';
import { createApp } from './create-app.ts';
import { ServerStartError } from './errors.ts';
import { Connections } from './http/connections.ts';
import { codeSuffix, errorCode } from './lib/error-code.ts';
import { isLoopback } from './lib/loopback.ts';
import { serveMetrics } from './metrics/metrics-listener.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';
import {
  type ConfigServerOptions,
  localUrl,
  type ResolvedOptions,
  resolveOptions,
  type ServerTimeouts,
} from './server-options.ts';
import { loadEncryptionKey, readSharedEncryptionKey } from './storage/encryption-key.ts';
import { openSqliteStorage } from './storage/sqlite/sqlite-storage.ts';
import type { Storage } from './storage/storage.ts';
import { StorageError } from './storage/storage-error.ts';

/** A running config server. */
export interface ConfigServer {
  /** Base URL of the config API and the OAuth issuer, without a trailing slash. */
  readonly url: string;
  /** Where the metrics are; undefined without the option `metrics`. */
  readonly metricsUrl: string | undefined;
  readonly organizationId: string;
  /** Names of the environments. */
  readonly environments: readonly string[];
  /** Where the admin credentials are kept; undefined if nowhere. */
  readonly credentialsFile: string | undefined;
  /** If `lost`, the credentials file has no valid credentials; start with `newAdminClient` to create new ones. */
  readonly credentialsState: Bootstrap['credentialsState'];
  /** The admin credentials if this start created them: the first start, a start in memory, or `newAdminClient`. */
  readonly credentials: ServerCredentials | undefined;
  /**
   * Waits for `timeouts.drainMs`, ends streams, lets running requests and then webhooks finish within `timeouts.closeMs`
   * each, and closes the storage.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a config server. It is listening when the promise resolves.
 *
 * @throws {ServerStartError} for an invalid option, an address in use, an unusable database or credentials file
 * @example
 * import { createConfigServer } from '@smooai/config-server';
 *
 * const server = await createConfigServer({ db: './config.db', port: 4100 });
 */
export async function createConfigServer(options: ConfigServerOptions = {}): Promise<ConfigServer> {
  const resolved = resolveOptions(options, credentialsFileOf);
  await requireAddresses(resolved);
  const { database } = resolved;
  const moved = database === undefined ? await refuseLostDatabase(resolved) : [];
  const storage = await openStorage(resolved);
  let app: FastifyInstance | undefined;
  let scrapes: MetricsEndpoint | undefined;
  try {
    const metrics = await createMetrics(resolved);
    const closing = new AbortController();
    // Every open stream adds a listener.
    setMaxListeners(0, closing.signal);
    const location = { url: resolved.publicUrl ?? '' };
    const phase = { isStarted: false, isDraining: false };
    const state = { location, phase, closing: closing.signal, metrics };
    const created = await createApp(resolved, storage, state);
    app = created.app;
    logMoved(app, moved);
    warnIfExposed(app, database);
    const connections = new Connections(app.server);
    await listen(app, resolved);
    scrapes = metrics && (await listenForMetrics(metrics, resolved));
    if (location.url === '') location.url = localUrl(resolved.host, boundPort(app));
    const started = await findOrganization(storage, resolved, location.url);
    logMoved(app, started.moved);
    phase.isStarted = true;
    const environments = await storage.listEnvironments(started.organizationId);
    created.webhooks.start(environments.map(({ id }) => id));
    const { timeouts, credentialsFile } = resolved;
    const close = closeOnce(app, storage, { phase, closing, connections, scrapes, timeouts });
    const server: ConfigServer = {
      url: location.url,
      metricsUrl: scrapes?.url,
      environments: environments.map(({ name }) => name),
      credentialsFile,
      organizationId: started.organizationId,
      credentialsState: started.credentialsState,
      credentials: started.credentials,
      close,
      [Symbol.asyncDispose]: close,
    };
    // Not enumerable, so that printing the server does not print the secret.
    return Object.defineProperty(server, 'credentials', { enumerable: false });
  } catch (error) {
    await scrapes?.close();
    await app?.close();
    await storage.close();
    throw error;
  }
}

function findOrganization(
  storage: Storage,
  { database, db, credentialsFile, newAdminClient, beginAnew }: ResolvedOptions,
  url: string,
): Promise<Bootstrap> {
  return bootstrap({
    storage,
    url,
    credentialsFile,
    newAdminClient,
    isTemporary: database === undefined && db === ':memory:',
    isShared: database !== undefined,
    beginAnew,
  });
}

async function openStorage({ db, database, env }: ResolvedOptions): Promise<Storage> {
  try {
    if (database !== undefined) {
      const encryptionKey = readSharedEncryptionKey(env);
      // Only a server that uses PostgreSQL loads pg.
      const { openPostgresStorage } = await import('./storage/postgres/postgres-storage.ts');
      return await openPostgresStorage({ url: database.url, encryptionKey });
    }
    return await openSqliteStorage({ file: db, encryptionKey: await loadEncryptionKey({ file: db, env }) });
  } catch (cause) {
    const known = cause instanceof StorageError;
    const message = known ? cause.message : `The database ${database?.label ?? db} cannot be opened.`;
    throw new ServerStartError('ERR_DATABASE_UNAVAILABLE', message, { cause });
  }
}

function warnIfExposed(app: FastifyInstance, database: ResolvedOptions['database']): void {
  if (!database?.isExposed) return;
  app.log.warn(
    { database: database.label },
    'the connection to the database is not encrypted or its certificate is not checked: add ?sslmode=verify-full',
  );
}

interface MetricsEndpoint {
  url: string;
  close: () => Promise<void>;
}

/** Only a server with metrics loads prom-client. */
async function createMetrics({ metrics }: ResolvedOptions): Promise<ServerMetrics | undefined> {
  if (metrics === undefined) return undefined;
  const { ServerMetrics } = await import('./metrics/server-metrics.ts');
  return new ServerMetrics();
}

async function listenForMetrics(
  metrics: ServerMetrics,
  { metrics: address = { host: '', port: 0 } }: ResolvedOptions,
): Promise<MetricsEndpoint> {
  const { host, port } = address;
  try {
    const listener = await serveMetrics(metrics, address);
    return { url: `${localUrl(host, listener.port)}/metrics`, close: () => listener.close() };
  } catch (cause) {
    throw addressError(cause, host, port);
  }
}

function logMoved(app: FastifyInstance, files: readonly MovedFile[]): void {
  for (const file of files) app.log.warn(file, 'moved a file of a lost database aside');
}

interface Address {
  host: string;
  port: number;
}

/** Before any file is created: a start that cannot listen must leave nothing behind. Another process may still be faster. */
async function requireAddresses(options: ResolvedOptions): Promise<void> {
  const { metrics } = options;
  await whileListening(options);
  if (metrics === undefined) return;
  await whileListening(metrics);
  if (metrics.port !== options.port || metrics.port === 0) return;
  // Only the system knows whether two addresses exclude each other, such as 127.0.0.1 and localhost.
  await whileListening(options, async () => {
    await whileListening(metrics).catch((cause: unknown) => {
      throw samePortError(options, metrics, cause);
    });
  });
}

/** @throws {ServerStartError} if the address cannot be listened on */
async function whileListening({ host, port }: Address, task?: () => Promise<void>): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
  } catch (cause) {
    throw addressError(cause, host, port);
  }
  try {
    await task?.();
  } finally {
    probe.close();
    await once(probe, 'close');
  }
}

function samePortError(api: Address, metrics: Address, cause: unknown): ServerStartError {
  const message =
    `The options port and metrics.port (--port, --metrics-port) are both ${api.port}, which ${api.host} and ` +
    `${metrics.host} cannot share. Choose another port for the metrics, or 0 for a free one.`;
  return new ServerStartError('ERR_OPTIONS_INVALID', message, { cause });
}

async function listen(app: FastifyInstance, { host, port }: ResolvedOptions): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw addressError(cause, host, port);
  }
  if (!isLoopback(host)) {
    app.log.warn({ host }, 'plain HTTP is reachable from other machines: put TLS in front of the server');
  }
}

function addressError(cause: unknown, host: string, port: number): ServerStartError {
  return new ServerStartError('ERR_ADDRESS_UNAVAILABLE', addressMessage(cause, host, port), { cause });
}

function addressMessage(cause: unknown, host: string, port: number): string {
  const code = errorCode(cause);
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken. Choose another port, or 0 for a free one.`;
  }
  if (code === 'EACCES')
    return `The current user may not listen on port ${port} of ${host}. Choose a port from 1024 up.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${host} is not an address of this machine${codeSuffix(cause)}. Use 127.0.0.1, or 0.0.0.0 for all its addresses.`;
  }
  return `The server cannot listen on ${host}, port ${port}${codeSuffix(cause)}.`;
}

function boundPort(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

interface ClosingParts {
  phase: { isDraining: boolean };
  closing: AbortController;
  connections: Connections;
  scrapes: MetricsEndpoint | undefined;
  timeouts: Pick<ServerTimeouts, 'drainMs' | 'closeMs'>;
}

function closeOnce(
  app: FastifyInstance,
  storage: Storage,
  { phase, closing, connections, scrapes, timeouts }: ClosingParts,
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    phase.isDraining = true;
    if (timeouts.drainMs > 0) await delay(timeouts.drainMs);
    closing.abort();
    const stopDraining = connections.drain(timeouts.closeMs);
    try {
      await app.close();
    } finally {
      stopDraining();
      await scrapes?.close();
      await storage.close();
    }
  };
  return () => {
    closed ??= close();
    return closed;
  };
}
