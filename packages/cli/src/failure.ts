import { type ConfigError, isConfigError } from '@smooai/config';
import type { CommanderError } from 'commander';
import { CliError, EXIT } from './errors.ts';
import { isRecord } from './json.ts';

/** An error as the user sees it: one or a few lines, never a stack. */
export interface Failure {
  message: string;
  code: string;
  exitCode: number;
  /** Further fields of the error with `--json`. */
  details?: Readonly<Record<string, unknown>>;
}

/** Describes anything that was thrown. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) {
    const code = error.exitCode === EXIT.usage ? 'ERR_USAGE' : 'ERR_FAILED';
    const { message, exitCode, details } = error;
    return { message, code, exitCode, details };
  }
  if (isConfigError(error)) return describeConfigError(error);
  const message = error instanceof Error ? error.message : String(error);
  return { message: `Unexpected error: ${message}`, code: 'ERR_UNEXPECTED', exitCode: EXIT.failure };
}

/** Describes an error of the argument parser, which also throws after `--help` and `--version` (exit code 0). */
export function commanderFailure(error: CommanderError): Failure {
  const isHelp = error.code === 'commander.help';
  const message = isHelp
    ? 'No command given. Run with --help to see all commands.'
    : error.message.replace(/^error: /, '');
  return { message, code: 'ERR_USAGE', exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage };
}

const USAGE_CODES: ReadonlySet<string> = new Set([
  'ERR_OPTIONS_INVALID',
  'ERR_SCHEMA_INVALID',
  'ERR_SETTINGS_MISSING',
]);

function describeConfigError(error: ConfigError): Failure {
  const { code } = error;
  const exitCode = USAGE_CODES.has(code) ? EXIT.usage : EXIT.failure;
  if (!isRejection(error)) return { message: error.message + settingsAdvice(error), code, exitCode };
  const { status, serverMessage, body } = error;
  if (serverMessage === undefined) return { message: error.message, code, exitCode };
  const lines = linesIn(body);
  // If there is a list, the cause only repeats it in one line.
  const cause = lines.length === 0 && typeof body?.cause === 'string' ? ` (${body.cause})` : '';
  const message = `The config server refused (${status}): ${[serverMessage + cause, ...lines].join('\n  ')}${remedy(status, serverMessage)}`;
  return { message, code, exitCode };
}

/** Where the settings come from that an error is about. */
function settingsAdvice(error: ConfigError): string {
  if (isConfigError(error, 'ERR_TOKEN_REJECTED')) {
    if (error.status === 401) {
      return '\nThey come from --client-id, SMOOAI_CONFIG_CLIENT_ID and SMOOAI_CONFIG_CLIENT_SECRET, or from the credentials file or profile. To store new ones: smooai-config login --credentials FILE';
    }
    if (error.status === 404) return check('URL of the issuer', 'SMOOAI_CONFIG_AUTH_URL', '--auth-url');
  }
  return '';
}

interface Rejection {
  status: number;
  serverMessage?: string | undefined;
  body?: Readonly<Record<string, unknown>> | undefined;
}

function isRejection(error: ConfigError): error is ConfigError & Rejection {
  return error.code === 'ERR_REQUEST_REJECTED' && 'status' in error && typeof error.status === 'number';
}

/** The entries of the lists in a refusal, such as the values that are in the way, indented. */
export function refusalLines(error: unknown): string[] {
  const lines = isConfigError(error) && isRejection(error) ? linesIn(error.body) : [];
  return lines.map((line) => `  ${line}`);
}

function linesIn(body: Rejection['body']): string[] {
  return Object.values(body ?? {}).flatMap((entry) => (Array.isArray(entry) ? entry.flatMap(listLine) : []));
}

/** Whether the server refused with this status. */
export function isRefusal(error: unknown, status: number): boolean {
  return isConfigError(error) && isRejection(error) && error.status === status;
}

/** Formats an entry of a refusal's list. Plain names are skipped, because the message already contains them. */
function listLine(entry: unknown): string[] {
  if (!isRecord(entry)) return [];
  const { key, environment, reason } = entry;
  if (typeof key === 'string' && typeof environment === 'string' && typeof reason === 'string') {
    return [`${key} in ${environment}: ${reason}`];
  }
  return [
    Object.values(entry)
      .filter((value) => typeof value === 'string')
      .join(' '),
  ];
}

/** Which setting to check, or what else to do. The server's words cannot name our settings. */
function remedy(status: number, words: string): string {
  if (status === 412) return '\nTo read it with its version: smooai-config get KEY --json';
  if (status !== 403 && status !== 404) return '';
  // First, because such a message may quote the path, which has the other words in it.
  if (/endpoint/i.test(words)) return check('URL of the config API', 'SMOOAI_CONFIG_API_URL', '--api-url');
  if (/organi[sz]ation/i.test(words)) return check('organization', 'SMOOAI_CONFIG_ORG_ID', '--org');
  if (status === 404) return '';
  if (/^This client may not use the environment/.test(words)) {
    return check('environment', 'SMOOAI_CONFIG_ENV', '--env');
  }
  return '\nUse a client with more rights: an admin can create one with "smooai-config clients create NAME --scopes SCOPES".';
}

function check(what: string, variable: string, option: string): string {
  return `\nCheck the ${what}: ${option}, ${variable}, or the one in the credentials file or profile.`;
}
