import { isConfigError } from '@smooai/config';
import type {
  ApiAuthClient,
  AuthClientInput,
  ConfigApi,
  ConfigSettings,
  CreatedAuthClient,
} from '@smooai/config/server';
import { isAtLineStart } from '../cli-io.ts';
import { confirmLoss } from '../confirm.ts';
import { UsageError } from '../errors.ts';
import type { CommandContext } from '../program/command-context.ts';
import { didYouMean } from '../text/did-you-mean.ts';
import { envLine } from '../text/env-file.ts';
import { table } from '../text/table.ts';
import { valueText } from '../text/value-text.ts';

export interface ClientListOptions {
  /** Includes revoked clients. */
  all?: boolean;
}

export interface ClientCreateOptions {
  /** `m2m` has a secret, for servers; `b2m` a publishable key, for browsers. */
  type: AuthClientInput['type'];
  /** Names of the environments that it may use; default that of `--env`, else all. */
  environments?: string[];
  scopes?: string[];
  /** Origins of the pages that may use a publishable key. */
  origins?: string[];
}

export interface ClientRevokeOptions {
  /** Does not ask. */
  yes?: boolean;
}

/** `clients list`: prints the clients, without their secrets. */
export async function runClientList(context: CommandContext, options: ClientListOptions): Promise<void> {
  const { api } = await context.connect();
  const clients = (await api.listAuthClients()).filter(
    ({ revokedAt }) => options.all === true || revokedAt === null,
  );
  const text = table(
    ['ID', 'TYPE', 'NAME', 'ENVIRONMENTS', 'SCOPES', 'ORIGINS', ...(options.all === true ? ['REVOKED'] : [])],
    clients.map((client) => [
      client.id,
      client.type,
      valueText(client.name),
      client.environments?.join(',') ?? 'all',
      client.scopes.join(','),
      client.allowedOrigins.join(',') || '-',
      ...(options.all === true ? [client.revokedAt ?? '-'] : []),
    ]),
    context.colors,
  );
  context.print(text, clients);
}

/** `clients create NAME`: creates a client and prints its credential, this once, to standard output only. */
export async function runClientCreate(
  context: CommandContext,
  name: string,
  options: ClientCreateOptions,
): Promise<void> {
  const { type, scopes, origins } = options;
  const { env } = context.options;
  if (options.environments !== undefined && env !== undefined) {
    throw new UsageError('Name the environments of the client either with --environments or with --env.');
  }
  if (type === 'b2m' && origins === undefined) {
    throw new UsageError(
      'A publishable key only works on the origins it is created for. Add them: --origins https://shop.example',
    );
  }
  if (type !== 'b2m' && origins !== undefined) {
    throw new UsageError(
      '--origins is for the publishable key of a browser. Add --type b2m, or leave it out.',
    );
  }
  for (const origin of origins ?? []) checkOrigin(origin);
  const environments = options.environments ?? (env === undefined ? undefined : [env]);
  const { api, settings } = await context.connect();
  const namesakes = await activeNamesakes(api, name);
  const client = await api.createAuthClient({
    type,
    name,
    ...(environments !== undefined && { environments }),
    ...(scopes !== undefined && { scopes }),
    ...(origins !== undefined && { allowedOrigins: origins }),
  });
  if (namesakes.length > 0) {
    const ids = namesakes.map(({ id }) => id).join(', ');
    context.note(
      `Another client is named "${valueText(name)}" too: ${ids}. It still works. To revoke one of them, use the id.`,
    );
  }
  if (context.options.json !== true) {
    const where = client.environments?.join(', ') ?? 'all environments';
    context.note(
      `Created the ${client.type} client "${valueText(client.name)}" (${client.id}): ${client.scopes.join(', ')} in ${where}.`,
    );
    context.note(storageAdvice(client, settings));
  }
  const { apiUrl, authUrl, organizationId } = settings;
  context.print(credentialText(context, client, settings), { apiUrl, authUrl, ...client, organizationId });
}

/** @throws {UsageError} with what was probably meant, if a browser would never send this as its origin. */
function checkOrigin(text: string): void {
  const url = parseUrl(/:\/\//.test(text) ? text : `http://${text}`);
  const isWeb = url !== undefined && /^https?:$/.test(url.protocol) && url.host !== '';
  if (isWeb && url.origin === text) return;
  const example = isWeb ? url.origin : 'https://shop.example';
  throw new UsageError(
    `--origins: ${JSON.stringify(text)} is not an origin, which has a scheme, a host and maybe a port: ${example}`,
  );
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** The clients with this name that are not revoked. None if the server does not list clients. */
async function activeNamesakes(api: ConfigApi, name: string): Promise<ApiAuthClient[]> {
  try {
    return (await api.listAuthClients()).filter(
      (client) => client.name === name && client.revokedAt === null,
    );
  } catch (error) {
    if (isConfigError(error, 'ERR_REQUEST_REJECTED')) return [];
    throw error;
  }
}

function storageAdvice(client: CreatedAuthClient, settings: ConfigSettings): string {
  const { apiUrl, organizationId } = settings;
  if (client.publishableKey !== undefined) {
    return [
      `The key is shown only now; it does not have to be kept secret. Use it in the pages of ${client.allowedOrigins.join(', ')}:`,
      `  createSnapshotSource({ apiUrl: '${apiUrl}', organizationId: '${organizationId}', environment: '${client.environments?.[0] ?? settings.environment}', publishableKey: 'KEY' })`,
    ].join('\n');
  }
  return 'The secret is shown only now. Put these lines into the environment of the program that uses them: the secret store of its platform, or a file that only this program can read and that is never committed. With --json the output is a file for --credentials.';
}

/** The bare key for a browser, or the lines of a `.env` file for a server's client. */
function credentialText(
  context: CommandContext,
  client: CreatedAuthClient,
  settings: ConfigSettings,
): string {
  if (client.publishableKey !== undefined) return client.publishableKey;
  const [environment, ...others] = client.environments ?? [];
  const variables = {
    SMOOAI_CONFIG_API_URL: settings.apiUrl,
    SMOOAI_CONFIG_AUTH_URL: settings.authUrl,
    SMOOAI_CONFIG_ORG_ID: settings.organizationId,
    ...(environment !== undefined && others.length === 0 && { SMOOAI_CONFIG_ENV: environment }),
    SMOOAI_CONFIG_CLIENT_ID: client.clientId,
    SMOOAI_CONFIG_CLIENT_SECRET: client.clientSecret ?? '',
  };
  const lines = Object.entries(variables).map(([name, value]) => ({ name, ...envLine(name, value) }));
  const unportable = lines.filter(({ isPortable }) => !isPortable).map(({ name }) => name);
  if (unportable.length > 0 && context.options.json !== true) {
    context.note(
      `warning: ${unportable.join(', ')} can only be read by a shell ("set -a; . .env"), because dotenv has no way to quote it.`,
    );
  }
  const text = lines.map((line) => line.text).join('\n');
  // With ">>" the last line of a user's file must stay a line of its own. An empty line in a .env file is harmless.
  return isAtLineStart(context.io.stdout) ? text : `\n${text}`;
}

/** `clients revoke CLIENT`: makes a client's tokens and key stop working immediately. */
export async function runClientRevoke(
  context: CommandContext,
  name: string,
  options: ClientRevokeOptions,
): Promise<void> {
  const { api, settings } = await context.connect();
  const client = findClient(await api.listAuthClients(), name);
  const title = `the ${client.type} client "${valueText(client.name)}" (${client.id})`;
  const data = { id: client.id, name: client.name, type: client.type };
  if (client.revokedAt !== null) {
    context.print(`Nothing to do: ${title} is already revoked.`, { ...data, changed: false });
    return;
  }
  const isOwn = client.clientId === settings.clientId ? ' This command itself uses it.' : '';
  await confirmLoss(context.io, {
    yes: options.yes,
    question: `Revoke ${title}?${isOwn} Its users lose access immediately, and this cannot be undone. Continue`,
    consequence: `The users of ${title} would lose access immediately.${isOwn} This cannot be undone.`,
  });
  await api.revokeAuthClient(client.id);
  context.print(context.colors.green(`Revoked ${title}.`), { ...data, changed: true });
}

/** Finds a client by its id, or by its name if only one client that is not revoked has it. */
function findClient(clients: readonly ApiAuthClient[], name: string): ApiAuthClient {
  const byId = clients.find(({ id }) => id === name);
  if (byId !== undefined) return byId;
  const named = clients.filter((client) => client.name === name);
  const active = named.filter(({ revokedAt }) => revokedAt === null);
  const [match = named[0], other] = active;
  if (match === undefined) {
    const candidates = clients.filter(({ revokedAt }) => revokedAt === null).map((client) => client.name);
    throw new UsageError(
      `Unknown client "${name}".${didYouMean(name, candidates)} Run "smooai-config clients list" to see all clients.`,
    );
  }
  if (other === undefined) return match;
  throw new UsageError(
    `Several clients are named "${name}": ${active.map(({ id }) => id).join(', ')}. Use the id.`,
  );
}
