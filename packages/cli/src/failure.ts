import { type ConfigError, isConfigError } from '@smooai/config';
import type { CommanderError } from 'commander';
import { CliError, EXIT } from './errors.ts';

/** A failure as it is told: one or a few lines, never a stack. */
export interface Failure {
  message: string;
  code: string;
  exitCode: number;
}

/** Puts any thrown thing into words. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) {
    const code = error.exitCode === EXIT.usage ? 'ERR_USAGE' : 'ERR_FAILED';
    return { message: error.message, code, exitCode: error.exitCode };
  }
  if (isConfigError(error)) return describeConfigError(error);
  const message = error instanceof Error ? error.message : String(error);
  return {
    message: `Something unexpected went wrong: ${message}`,
    code: 'ERR_UNEXPECTED',
    exitCode: EXIT.failure,
  };
}

/** A refusal of the argument parser; its help and version are no failure. */
export function commanderFailure(error: CommanderError): Failure {
  const isHelp = error.code === 'commander.help';
  const message = isHelp ? 'Give a command; --help lists them.' : error.message.replace(/^error: /, '');
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
  if (!isRejection(error)) return { message: error.message, code, exitCode };
  const { status, serverMessage, body } = error;
  if (serverMessage === undefined) return { message: error.message, code, exitCode };
  const lines = Object.values(body ?? {}).flatMap((entry) =>
    Array.isArray(entry) ? entry.flatMap(listLine) : [],
  );
  // The cause repeats a list in one line.
  const cause = lines.length === 0 && typeof body?.cause === 'string' ? ` (${body.cause})` : '';
  const message = `The config server refused (${status}): ${[serverMessage + cause, ...lines].join('\n  ')}${remedy(status)}`;
  return { message, code, exitCode };
}

interface Rejection {
  status: number;
  serverMessage?: string | undefined;
  body?: Readonly<Record<string, unknown>> | undefined;
}

function isRejection(error: ConfigError): error is ConfigError & Rejection {
  return error.code === 'ERR_REQUEST_REJECTED' && 'status' in error && typeof error.status === 'number';
}

/** Whether the server refused with that status. */
export function isRefusal(error: unknown, status: number): boolean {
  return isConfigError(error) && isRejection(error) && error.status === status;
}

/** An entry of a refusal's list; names that stand alone are in the message already. */
function listLine(entry: unknown): string[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const fields: Readonly<Record<string, unknown>> = { ...entry };
  const { key, environment, reason } = fields;
  if (typeof key === 'string' && typeof environment === 'string' && typeof reason === 'string') {
    return [`${key} in ${environment}: ${reason}`];
  }
  return [
    Object.values(fields)
      .filter((value) => typeof value === 'string')
      .join(' '),
  ];
}

function remedy(status: number): string {
  if (status === 403) return '\nCheck that the client may use this organization, environment and scope.';
  return '';
}
