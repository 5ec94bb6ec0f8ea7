import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isConfigError } from '@smooai/config';
import {
  ConfigApi,
  type ConfigSettings,
  discoverSettings,
  type SettingsOptions,
  TokenProvider,
} from '@smooai/config/server';
import type { CliIo } from './cli-io.ts';
import { UsageError } from './errors.ts';
import { readJsonFile } from './files.ts';
import { isRecord } from './json.ts';
import { findDefaultProfile, findProfile, type Profile } from './profiles.ts';
import { proxyFetch } from './proxy-fetch.ts';

/** The options that every command has. */
export interface GlobalOptions {
  apiUrl?: string;
  authUrl?: string;
  clientId?: string;
  org?: string;
  env?: string;
  credentials?: string;
  profile?: string;
  allowInsecureHttp?: boolean;
  json?: boolean;
  showSecrets?: boolean;
}

/** The server that a command talks to, and its settings. */
export interface Connection {
  api: ConfigApi;
  settings: ConfigSettings;
}

/** What `login` needs. */
export interface ConnectOptions {
  /** Replaces the one in the credentials file and in the variables. */
  clientSecret?: string | undefined;
  /** Default true. */
  usesProfile?: boolean;
}

/**
 * Creates the connection. Each setting comes from the options, else from the credentials file or the profile that the options
 * name, else from the environment variables. Without such variables the default profile is used. No credential is sent yet; an API whose issuer is not set is asked for its metadata.
 *
 * @throws {UsageError} naming every missing setting, or the one that is invalid.
 */
export async function connect(
  options: GlobalOptions,
  io: CliIo,
  extra: ConnectOptions = {},
): Promise<Connection> {
  const credentials = await findCredentials(options, io, extra);
  const given: SettingsOptions = {
    apiUrl: options.apiUrl ?? credentials.apiUrl,
    authUrl: options.authUrl ?? credentials.authUrl,
    clientId: options.clientId ?? credentials.clientId,
    clientSecret: extra.clientSecret ?? credentials.clientSecret,
    organizationId: options.org ?? credentials.organizationId,
    environment: options.env ?? credentials.environment,
    allowInsecureHttp: options.allowInsecureHttp,
  };
  const fetch = io.fetch ?? (await proxyFetch(io.env));
  const settings = await settingsOf(given, { env: io.env, fetch });
  const { allowInsecureHttp } = options;
  const http = { ...(fetch !== undefined && { fetch }), allowInsecureHttp };
  const tokenProvider = new TokenProvider({ ...settings, ...http });
  const { apiUrl, organizationId } = settings;
  return { api: new ConfigApi({ apiUrl, organizationId, tokenProvider, ...http }), settings };
}

/** The variables that say which server and client are meant. A profile is never mixed with them. */
const CONNECTION_VARIABLES = ['API_URL', 'AUTH_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'API_KEY', 'ORG_ID'];

async function findCredentials(
  options: GlobalOptions,
  io: CliIo,
  { usesProfile = true }: ConnectOptions,
): Promise<Profile> {
  const { credentials, profile } = options;
  if (usesProfile && credentials !== undefined && profile !== undefined) {
    throw new UsageError('Pass either --profile or --credentials, not both.');
  }
  if (credentials !== undefined) return readCredentials(credentials, io);
  if (!usesProfile) return {};
  if (profile !== undefined) return findProfile(io, profile);
  const isSet = CONNECTION_VARIABLES.some((name) => (io.env[`SMOOAI_CONFIG_${name}`] ?? '').trim() !== '');
  return isSet ? {} : ((await findDefaultProfile(io)) ?? {});
}

async function settingsOf(
  given: SettingsOptions,
  discovery: Parameters<typeof discoverSettings>[1],
): Promise<ConfigSettings> {
  try {
    return await discoverSettings(given, discovery);
  } catch (error) {
    if (!isConfigError(error, 'ERR_SETTINGS_MISSING')) throw error;
    const { missing } = error;
    const inOptions = (text: string): string =>
      text.replace('set allowInsecureHttp', 'pass --allow-insecure-http');
    const isOnlyIssuer = missing.length === 1 && missing[0] === 'SMOOAI_CONFIG_AUTH_URL';
    if (isOnlyIssuer || missing.length === 0) throw new UsageError(inOptions(error.message));
    const advice =
      'Set these environment variables, pass the corresponding options, or pass --credentials FILE (the config server writes one when it first starts). "smooai-config login --credentials FILE" stores it, so that later commands need nothing.';
    throw new UsageError(
      [`Missing settings: ${missing.join(', ')}. ${advice}`, ...error.malformed.map(inOptions)].join('\n'),
    );
  }
}

const FIELDS = ['apiUrl', 'authUrl', 'organizationId', 'clientId', 'clientSecret'] as const;

type Credentials = Partial<Record<(typeof FIELDS)[number], string>>;

async function readCredentials(file: string, io: CliIo): Promise<Credentials> {
  const path = resolve(io.cwd, file);
  const content = await readJsonFile(path, `--credentials ${file}`);
  if (!isRecord(content)) {
    throw new UsageError(`--credentials ${file} must contain a JSON object with ${FIELDS.join(', ')}.`);
  }
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    io.stderr.write(
      `warning: ${file} contains a secret and other users can read it. Run: chmod 600 ${file}\n`,
    );
  }
  const credentials: Credentials = {};
  for (const field of FIELDS) {
    const value = content[field];
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      throw new UsageError(`--credentials ${file}: "${field}" must be a string.`);
    }
    credentials[field] = value;
  }
  return credentials;
}
