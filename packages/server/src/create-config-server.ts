import { setMaxListeners } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { type Bootstrap, bootstrap } from './bootstrap/bootstrap.ts';
import { credentialsFileOf, type ServerCredentials } from './bootstrap/credentials-file.ts';
import { createApp } from './create-app.ts';
import { ServerStartError } from './errors.ts';
import { Connections } from './http/connections.ts';
import { codeSuffix, errorCode } from './lib/error-code.ts';
import {
  type ConfigServerOptions,
  isLoopback,
  localUrl,
  type ResolvedOptions,
  resolveOptions,
} from './server-options.ts';
import { loadEncryptionKey } from './storage/encryption-key.ts';
import { openSqliteStorage } from './storage/sqlite/sqlite-storage.ts';
import type { Storage } from './storage/storage.ts';
import { StorageError } from './storage/storage-error.ts';

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
    // One listener for each open stream.
    setMaxListeners(0, closing.signal);
    const location = { url: resolved.publicUrl ?? '' };
    app = await createApp(resolved, storage, { location, closing: closing.signal });
    const connections = new Connections(app.server);
    await listen(app, resolved);
    if (location.url === '') location.url = localUrl(resolved.host, boundPort(app));
    const { credentialsFile, newAdminClient } = resolved;
    const started = await bootstrap({ storage, url: location.url, credentialsFile, newAdminClient });
    const environments = await storage.listEnvironments(started.organizationId);
    const close = closeOnce(app, storage, { closing, connections, deadlineMs: resolved.timeouts.closeMs });
    const server: ConfigServer = {
      url: location.url,
      environments: environments.map(({ name }) => name),
      credentialsFile,
      ...started,
      close,
      [Symbol.asyncDispose]: close,
    };
    // Whoever prints the server does not print its secret.
    return Object.defineProperty(server, 'credentials', { enumerable: false });
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

async function listen(app: FastifyInstance, { host, port }: ResolvedOptions): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw new ServerStartError('ERR_ADDRESS_UNAVAILABLE', addressMessage(cause, host, port), { cause });
  }
  if (!isLoopback(host)) {
    app.log.warn({ host }, 'listening beyond this machine in plain HTTP: put TLS in front of it');
  }
}

function addressMessage(cause: unknown, host: string, port: number): string {
  const code = errorCode(cause);
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken. Choose another port, or 0 for a free one.`;
  }
  if (code === 'EACCES')
    return `Port ${port} on ${host} is not allowed to this user. Choose a port from 1024 on.`;
  return `The server cannot listen on ${host}, port ${port}${codeSuffix(cause)}.`;
}

function boundPort(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

function closeOnce(
  app: FastifyInstance,
  storage: Storage,
  {
    closing,
    connections,
    deadlineMs,
  }: { closing: AbortController; connections: Connections; deadlineMs: number },
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    closing.abort();
    const stopDraining = connections.drain(deadlineMs);
    try {
      await app.close();
    } finally {
      stopDraining();
      await storage.close();
    }
  };
  return () => {
    closed ??= close();
    return closed;
  };
}
