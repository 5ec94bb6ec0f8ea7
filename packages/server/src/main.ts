import { writeSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type ConfigServer, createConfigServer } from './create-config-server.ts';
import { addDataCommands, DEFAULT_DB, databaseOption } from './data-commands.ts';
import { ServerStartError } from './errors.ts';
import { errorCode } from './lib/error-code.ts';
import { isLoopback } from './lib/loopback.ts';
import { packageVersion } from './package-version.ts';
import { createServerLogger, type LogLevel, stackFrames } from './server-logger.ts';
import { ENCRYPTION_KEY_VARIABLE } from './storage/encryption-key.ts';
import { parseDatabaseUrl } from './storage/postgres/database-url.ts';
import { StorageError } from './storage/storage-error.ts';
import { addWebhookFlags, type WebhookFlags, webhooksOf } from './webhook-flags.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Beside no file, so that it is where the server was started. */
const SHARED_CREDENTIALS = './smooai-config.credentials.json';
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

const HELP = `
The first start creates an organization, the environments development, staging and production, and an admin client. The
admin credentials are written beside the database (mode 0600). Secrets are encrypted with the key in the variable
${ENCRYPTION_KEY_VARIABLE} (base64 of 32 bytes) or, with SQLite, in the file <db>.key.
Back up the key: without it the secrets are lost.
`;

interface CommandLine extends WebhookFlags {
  host: string;
  port: number;
  db?: string;
  database?: string;
  credentials?: string;
  publicUrl?: string;
  trustProxy?: boolean;
  tokenTtl: number;
  metricsPort?: number;
  metricsHost: string;
  maxEventLoopDelay: number;
  drain: number;
  offline: number;
  newAdminClient?: boolean;
  beginAnew?: boolean;
  logLevel: LogLevel;
  json?: boolean;
}

function createCommand(): Command {
  const command = new Command('smooai-config-server')
    .description('The config server: OAuth2 tokens, values, schemas, environments and live streams.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .option('--host <address>', 'address to listen on, over plain HTTP', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free port', wholeNumber(0, 65_535), 0)
    .option(
      '--db <file>',
      `SQLite file, created if missing; :memory: to keep nothing (default: "${DEFAULT_DB}")`,
    )
    .addOption(databaseOption())
    .option(
      '--credentials <file>',
      `where to keep the admin credentials (default: <db>.credentials.json, with --database ${SHARED_CREDENTIALS})`,
    )
    .option('--new-admin-client', 'create another admin client and write it to the credentials file')
    .option(
      '--begin-anew',
      'begin with a new organization if the database was lost; the old credentials file is kept under another name',
    )
    .option('--public-url <url>', 'URL by which clients reach this server, if a proxy is in front of it')
    .option('--trust-proxy', 'trust X-Forwarded-For; only behind a proxy that sets it')
    .option('--token-ttl <seconds>', 'lifetime of an access token', wholeNumber(1, 30 * 24 * 3600), 3600)
    .option(
      '--offline <seconds>',
      'how long to serve from memory while PostgreSQL cannot be reached',
      wholeNumber(5, 7 * 24 * 3600),
      900,
    );
  return addWebhookFlags(addOperationFlags(command))
    .addOption(
      new Option('--log-level <level>', 'level of the JSON log on standard error')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .option('--json', 'print one line of JSON once the server listens, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .exitOverride();
}

/** Flags for who runs the server among others. */
function addOperationFlags(command: Command): Command {
  return command
    .option(
      '--metrics-port <number>',
      'serve Prometheus metrics at /metrics on this port; 0 for any free port',
      wholeNumber(0, 65_535),
    )
    .option(
      '--metrics-host <address>',
      'address of the metrics, which need no credential and name environments',
      '127.0.0.1',
    )
    .option(
      '--max-event-loop-delay <milliseconds>',
      'refuse new requests with 503 while the event loop is behind by more; 0 to refuse none',
      wholeNumber(0, 60_000),
      2_000,
    )
    .option(
      '--drain <seconds>',
      'after SIGTERM, how long to go on with a /readyz of 503, so that a load balancer stops sending requests',
      wholeNumber(0, 3_600),
      0,
    );
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

async function run(): Promise<void> {
  const command = createCommand().action((options: CommandLine) => serve(resolveDatabase(options, command)));
  addDataCommands(command);
  await command.parseAsync();
}

/** A file on the command line counts more than a URL in the environment. */
function resolveDatabase({ database, ...options }: CommandLine, command: Command): CommandLine {
  const isFromVariable = command.getOptionValueSource('database') === 'env';
  if (database === undefined || (options.db !== undefined && isFromVariable)) {
    return { ...options, db: options.db ?? DEFAULT_DB };
  }
  return { credentials: SHARED_CREDENTIALS, ...options, database };
}

async function serve(options: CommandLine): Promise<void> {
  if (options.db === ':memory:' && options.credentials === undefined) {
    throw new ServerStartError(
      'ERR_OPTIONS_INVALID',
      'With --db :memory:, add --credentials FILE to say where to keep the admin credentials.',
    );
  }
  const server = await createConfigServer({
    host: options.host,
    port: options.port,
    ...(options.database === undefined ? {} : { database: options.database }),
    ...(options.db === undefined ? {} : { db: options.db }),
    tokenTtlSec: options.tokenTtl,
    timeouts: { offlineMs: options.offline * 1_000, drainMs: options.drain * 1_000 },
    maxEventLoopDelayMs: options.maxEventLoopDelay,
    ...(options.metricsPort !== undefined && {
      metrics: { host: options.metricsHost, port: options.metricsPort },
    }),
    newAdminClient: options.newAdminClient ?? false,
    beginAnew: options.beginAnew ?? false,
    trustProxy: options.trustProxy ?? false,
    webhooks: webhooksOf(options, process.env),
    logger: createServerLogger({ level: options.logLevel }),
    ...(options.credentials === undefined ? {} : { credentialsFile: options.credentials }),
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
  });
  closeOnSignals(server);
  // A parent process that stops reading our output must not end the server.
  process.stdout.on('error', () => undefined);
  process.stdout.write(options.json ? jsonLine(server) : banner(server, options));
  if (server.credentialsState === 'lost') process.stderr.write(`${lostCredentials(server)}\n`);
}

function jsonLine({ url, metricsUrl, organizationId, environments, credentialsFile }: ConfigServer): string {
  return `${JSON.stringify({ url, metricsUrl, organizationId, environments, credentialsFile })}\n`;
}

function banner(server: ConfigServer, { host, db, database }: CommandLine): string {
  const lines = [
    '',
    `  smooai-config-server listens on ${server.url}`,
    '',
    `  organization   ${server.organizationId}`,
    `  environments   ${server.environments.join(', ')}`,
    `  database       ${database === undefined ? db : parseDatabaseUrl(database).label}`,
    `  credentials    ${server.credentialsFile ?? 'none'}${credentialsNote(server)}`,
    ...(server.metricsUrl === undefined ? [] : [`  metrics        ${server.metricsUrl}`]),
  ];
  if (!isLoopback(host))
    lines.push('', '  Warning: plain HTTP is reachable from other machines. Put TLS in front of it.');
  return `${lines.join('\n')}\n\n  Press Ctrl+C to stop.\n\n`;
}

function credentialsNote({ credentialsState }: ConfigServer): string {
  if (credentialsState === 'first' || credentialsState === 'renewed') {
    return ' (created now; not stored anywhere else)';
  }
  if (credentialsState === 'elsewhere') return ' (not on this machine)';
  return credentialsState === 'lost' ? ' (missing or no longer valid)' : '';
}

function lostCredentials({ credentialsFile }: ConfigServer): string {
  return (
    `The credentials file ${credentialsFile ?? ''} is missing, or its client was revoked or belongs to another ` +
    'database. The server runs. To create a new admin client, restart it once with --new-admin-client.'
  );
}

function closeOnSignals(server: ConfigServer): void {
  let closing = false;
  const close = () => {
    if (closing) process.exit(EXIT_FAILED);
    closing = true;
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // Commander has already printed its message, the help or the version.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    return;
  }
  const known = error instanceof ServerStartError || error instanceof StorageError;
  const message = known ? error.message : `unexpected failure (${kindOf(error)}).`;
  process.stderr.write(`smooai-config-server: ${message}\n`);
  process.exitCode = known && error.code === 'ERR_OPTIONS_INVALID' ? EXIT_USAGE : EXIT_FAILED;
}

/** The name and code of an error, without its message, which may quote a value. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = errorCode(error);
  return code === undefined ? error.name : `${error.name}, ${code}`;
}

/** Node itself would print the whole error, and a rejected value may be a secret. */
function endOnUnhandledErrors(): void {
  const end = (error: unknown): void => {
    const frames = error instanceof Error ? stackFrames(error) : [];
    const text = [`smooai-config-server: unexpected failure (${kindOf(error)}). It ends.`, ...frames].join(
      '\n',
    );
    try {
      // Synchronous, because the process ends before a stream is flushed.
      writeSync(process.stderr.fd, `${text}\n`);
    } finally {
      process.exit(EXIT_FAILED);
    }
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

endOnUnhandledErrors();
await run().catch(fail);
