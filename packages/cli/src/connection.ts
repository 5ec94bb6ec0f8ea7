import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isConfigError } from '@smooai/config';
import {
  ConfigApi,
  type ConfigSettings,
  resolveSettings,
  type SettingsOptions,
  TokenProvider,
} from '@smooai/config/server';
import type { CliIo } from './cli-io.ts';
import { UsageError } from './errors.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  apiUrl?: string;
  authUrl?: string;
  clientId?: string;
  org?: string;
  env?: string;
  credentials?: string;
  allowInsecureHttp?: boolean;
  json?: boolean;
  showSecrets?: boolean;
}

/** A server to talk to, and the environment that is meant. */
export interface Connection {
  api: ConfigApi;
  settings: ConfigSettings;
}

/**
 * The connection of the options, else of the credentials file, else of the environment variables.
 *
 * @throws {UsageError} naming all settings that are missing, or what is wrong with one.
 */
export async function connect(options: GlobalOptions, io: CliIo): Promise<Connection> {
  const credentials = options.credentials === undefined ? {} : await readCredentials(options.credentials, io);
  const given: SettingsOptions = {
    apiUrl: options.apiUrl ?? credentials.apiUrl,
    authUrl: options.authUrl ?? credentials.authUrl,
    clientId: options.clientId ?? credentials.clientId,
    clientSecret: credentials.clientSecret,
    organizationId: options.org ?? credentials.organizationId,
    environment: options.env,
    allowInsecureHttp: options.allowInsecureHttp,
  };
  const settings = settingsOf(given, io);
  const { allowInsecureHttp } = options;
  const http = { ...(io.fetch !== undefined && { fetch: io.fetch }), allowInsecureHttp };
  const tokenProvider = new TokenProvider({ ...settings, ...http });
  const { apiUrl, organizationId } = settings;
  return { api: new ConfigApi({ apiUrl, organizationId, tokenProvider, ...http }), settings };
}

function settingsOf(given: SettingsOptions, io: CliIo): ConfigSettings {
  try {
    return resolveSettings(given, io.env);
  } catch (error) {
    if (isConfigError(error, 'ERR_SETTINGS_MISSING') && 'missing' in error && Array.isArray(error.missing)) {
      throw new UsageError(
        `Missing settings: ${error.missing.join(', ')}. Set these environment variables, or give --credentials FILE (the config server writes one at its first start) or the options of the same meaning.`,
      );
    }
    throw error;
  }
}

const FIELDS = ['apiUrl', 'authUrl', 'organizationId', 'clientId', 'clientSecret'] as const;

type Credentials = Partial<Record<(typeof FIELDS)[number], string>>;

async function readCredentials(file: string, io: CliIo): Promise<Credentials> {
  const path = resolve(io.cwd, file);
  const content = await readJsonFile(path, `--credentials ${file}`);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`--credentials ${file} must hold a JSON object with ${FIELDS.join(', ')}.`);
  }
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    io.stderr.write(`warning: ${file} holds a secret and other users may read it. Run: chmod 600 ${file}\n`);
  }
  const fields: Readonly<Record<string, unknown>> = { ...content };
  const credentials: Credentials = {};
  for (const field of FIELDS) {
    const value = fields[field];
    if (value === undefined) continue;
    if (typeof value !== 'string')
      throw new UsageError(`--credentials ${file}: "${field}" must be a string.`);
    credentials[field] = value;
  }
  return credentials;
}

/**
 * The content of a JSON file.
 *
 * @throws {UsageError} where it cannot be read or is no JSON; the parser's words are left out, for they quote it.
 */
export async function readJsonFile(path: string, label: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${label} cannot be read: ${fileProblem(error)}.`);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new UsageError(`${label} is no JSON.`);
  }
}

/** Why a file could not be read or written, in words. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
  };
  return words[code] ?? code;
}
