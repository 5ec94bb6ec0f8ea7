import { resolve } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { AttemptLimits } from './auth/attempt-limiter.ts';
import { ServerStartError } from './errors.ts';
import type { StreamOptions } from './http/event-stream.ts';
import type { ReadOptions } from './http/read-limit.ts';
import { parseUrl } from './lib/parse-url.ts';
import { type DatabaseUrl, parseDatabaseUrl } from './storage/postgres/database-url.ts';
import { StorageError } from './storage/storage-error.ts';
import { resolveWebhooks, type WebhookOptions, type WebhookTarget } from './webhooks/webhook-options.ts';

/** Time limits of the server, in milliseconds. None of them ends an event stream, which sends a comment every 15 s. */
export interface ServerTimeouts {
  /** To receive the headers of a request (default 10 000). */
  headersMs: number;
  /** To receive a whole request, body included (default 30 000). */
  requestMs: number;
  /** Between two requests on one connection (default 65 000). */
  keepAliveMs: number;
  /** Without a byte in either direction (default 120 000). */
  idleMs: number;
  /**
   * From the call of `close` until the server closes (default 0). Meanwhile it serves as before, but `/readyz` is 503, so
   * that a load balancer sends new requests elsewhere.
   */
  drainMs: number;
  /** For running requests to finish when the server closes, and then for webhooks (default 5 000). */
  closeMs: number;
  /**
   * How long reads and streams go on from memory while PostgreSQL cannot be reached (default 900 000). In this time, a
   * revocation at another server may not be noticed.
   */
  offlineMs: number;
}

/** Where metrics are served, without a credential: they name environments, so keep the port inside of your network. */
export interface MetricsOptions {
  /** Address to listen on (default `127.0.0.1`). */
  host?: string;
  /** Port to listen on (default 0: any free port). */
  port?: number;
}

export interface ConfigServerOptions {
  /**
   * Address to listen on (default `127.0.0.1`). The server speaks plain HTTP: put TLS in front of any other address.
   */
  host?: string;
  /** Port to listen on (default 0: any free port). */
  port?: number;
  /** The SQLite file, or `:memory:` (default). */
  db?: string;
  /**
   * The URL of a PostgreSQL database (`postgres://…`) instead of `db`. Any number of servers may share it. Needs the
   * variable `SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY`.
   */
  database?: string;
  /** Where the admin credentials are kept (default `<db>.credentials.json`; nowhere for `:memory:` and PostgreSQL). */
  credentialsFile?: string;
  /** Creates another admin client and writes it to the credentials file (default false). */
  newAdminClient?: boolean;
  /**
   * Begins with a new organization although the database is missing or empty and other files show that there was one
   * (default false). Those files are kept under other names. Without effect while the database is there.
   */
  beginAnew?: boolean;
  /** The URL by which clients reach the server, if a proxy is in front of it (default: the address it listens on). */
  publicUrl?: string;
  /** Whether to trust `X-Forwarded-For`; only safe behind a proxy that sets it (default false). */
  trustProxy?: boolean;
  /** Lifetime of an access token in seconds (default 3600, at most 30 days). */
  tokenTtlSec?: number;
  /** How many wrong secrets per client and address are allowed before the next ones get a 429 (default 10 in 60 s). */
  tokenAttempts?: Partial<AttemptLimits>;
  /**
   * New requests get a 503 while the event loop is behind by more than this for three seconds, in milliseconds (default 0:
   * never; the command has 2 000).
   */
  maxEventLoopDelayMs?: number;
  /** Largest request body in bytes (default 1 MiB). */
  bodyLimitBytes?: number;
  timeouts?: Partial<ServerTimeouts>;
  /** Heartbeat, buffer and number of event streams. */
  streams?: StreamOptions;
  /** How many requests the visitors of a page may send. */
  reads?: ReadOptions;
  /** Programs that are sent the names of changed keys (default none). */
  webhooks?: readonly WebhookOptions[];
  /** Serves Prometheus metrics at `/metrics` on an address of its own (default: no metrics). */
  metrics?: MetricsOptions;
  /** A pino logger; silent by default. */
  logger?: FastifyBaseLogger;
  /** Environment variables to read the encryption key from (default `process.env`). */
  env?: Readonly<Record<string, string | undefined>>;
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  host: string;
  port: number;
  /** The SQLite file or `:memory:`; not used with {@link ResolvedOptions.database}. */
  db: string;
  database: DatabaseUrl | undefined;
  credentialsFile: string | undefined;
  newAdminClient: boolean;
  beginAnew: boolean;
  publicUrl: string | undefined;
  trustProxy: boolean;
  tokenTtlSec: number;
  tokenAttempts: AttemptLimits;
  maxEventLoopDelayMs: number;
  bodyLimitBytes: number;
  timeouts: ServerTimeouts;
  streams: StreamOptions;
  reads: ReadOptions;
  webhooks: readonly WebhookTarget[];
  metrics: Required<MetricsOptions> | undefined;
  logger: FastifyBaseLogger | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

const MAX_TOKEN_TTL_SEC = 30 * 24 * 3600;
/** Node fires a timer with a longer delay at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Fills in the defaults.
 * @throws {ServerStartError} for an invalid option, named in the message
 */
export function resolveOptions(
  options: ConfigServerOptions,
  credentialsFile: (db: string) => string,
): ResolvedOptions {
  const db = options.db ?? ':memory:';
  if (db.trim() === '') throw invalid('db', 'must not be empty');
  const database = options.database === undefined ? undefined : databaseUrl(options);
  const hasFile = database === undefined && db !== ':memory:';
  const chosen = options.credentialsFile ?? (hasFile ? credentialsFile(db) : undefined);
  return {
    host: options.host ?? '127.0.0.1',
    port: wholeNumber('port', options.port ?? 0, { min: 0, max: 65_535 }),
    db,
    database,
    // Absolute, because a reader of the path may have another working directory.
    credentialsFile: chosen === undefined ? undefined : resolve(chosen),
    newAdminClient: options.newAdminClient ?? false,
    beginAnew: options.beginAnew ?? false,
    publicUrl: options.publicUrl === undefined ? undefined : baseUrl(options.publicUrl),
    trustProxy: options.trustProxy ?? false,
    tokenTtlSec: wholeNumber('tokenTtlSec', options.tokenTtlSec ?? 3600, { min: 1, max: MAX_TOKEN_TTL_SEC }),
    tokenAttempts: { maxFailures: 10, windowSec: 60, ...options.tokenAttempts },
    maxEventLoopDelayMs: wholeNumber('maxEventLoopDelayMs', options.maxEventLoopDelayMs ?? 0, {
      min: 0,
      max: MAX_TIMER_MS,
    }),
    bodyLimitBytes: wholeNumber('bodyLimitBytes', options.bodyLimitBytes ?? 1024 * 1024, {
      min: 1,
      max: 2 ** 30,
    }),
    timeouts: {
      headersMs: 10_000,
      requestMs: 30_000,
      keepAliveMs: 65_000,
      idleMs: 120_000,
      drainMs: 0,
      closeMs: 5_000,
      offlineMs: 900_000,
      ...options.timeouts,
    },
    streams: checkNumbers('streams', options.streams ?? {}),
    reads: checkNumbers('reads', options.reads ?? {}),
    webhooks: resolveWebhooks(options.webhooks ?? []),
    metrics: options.metrics === undefined ? undefined : metricsAddress(options.metrics),
    logger: options.logger,
    env: options.env ?? process.env,
  };
}

function metricsAddress({ host = '127.0.0.1', port = 0 }: MetricsOptions): Required<MetricsOptions> {
  return { host, port: wholeNumber('metrics.port', port, { min: 0, max: 65_535 }) };
}

function databaseUrl({ db, database = '' }: ConfigServerOptions): DatabaseUrl {
  if (db !== undefined) throw invalid('database', 'excludes the option db: choose one of them');
  try {
    return parseDatabaseUrl(database);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ServerStartError('ERR_OPTIONS_INVALID', `The option database: ${error.message}`);
  }
}

function checkNumbers<Group extends StreamOptions | ReadOptions>(name: string, group: Group): Group {
  for (const [option, value] of Object.entries(group)) {
    wholeNumber(`${name}.${option}`, value, { min: 1, max: MAX_TIMER_MS });
  }
  return group;
}

/** The URL by which this machine reaches a server that listens on `host`. */
export function localUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function wholeNumber(option: string, value: number, { min, max }: { min: number; max: number }): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(option, `must be a whole number from ${min} to ${max}`);
}

function baseUrl(value: string): string {
  const url = parseUrl(value);
  const plain =
    url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '';
  if (!plain)
    throw invalid('publicUrl', 'must be an http or https URL without a query, fragment or credentials');
  return value.replace(/\/+$/, '');
}

function invalid(option: string, rule: string): ServerStartError {
  return new ServerStartError('ERR_OPTIONS_INVALID', `The option ${option} ${rule}.`);
}
