import type {
  ApiAuthClient,
  AuthClientInput,
  ConfigSettings,
  CreatedAuthClient,
} from '@smooai/config/server';
import type { CommandContext } from '../command-context.ts';
import { confirmLoss } from '../confirm.ts';
import { didYouMean } from '../did-you-mean.ts';
import { UsageError } from '../errors.ts';
import { table, valueText } from '../format.ts';

/** Which clients a `clients list` shows. */
export interface ClientListOptions {
  /** The revoked ones too. */
  all?: boolean;
}

/** What `clients create` takes beside the name. */
export interface ClientCreateOptions {
  /** `m2m` has a secret, for servers; `b2m` a publishable key, for browsers. */
  type: AuthClientInput['type'];
  /** Names of the environments that it may use; default that of `--env`, else all. */
  environments?: string[];
  scopes?: string[];
  /** Origins of the pages that may use a publishable key. */
  origins?: string[];
}

/** How a `clients revoke` is done. */
export interface ClientRevokeOptions {
  /** Asks nothing. */
  yes?: boolean;
}

/** `clients list`: who may use the API, never with a secret. */
export async function runClientList(context: CommandContext, options: ClientListOptions): Promise<void> {
  const { api } = await context.connect();
  const clients = (await api.listAuthClients()).filter(
    ({ revokedAt }) => options.all === true || revokedAt === null,
  );
  const lines = table([
    ['ID', 'TYPE', 'NAME', 'ENVIRONMENTS', 'SCOPES', 'ORIGINS', ...(options.all === true ? ['REVOKED'] : [])],
    ...clients.map((client) => [
      client.id,
      client.type,
      valueText(client.name),
      client.environments?.join(',') ?? 'all',
      client.scopes.join(','),
      client.allowedOrigins.join(',') || '-',
      ...(options.all === true ? [client.revokedAt ?? '-'] : []),
    ]),
  ]);
  const [head = '', ...body] = lines.split('\n');
  context.print([context.colors.dim(head), ...body].join('\n'), clients);
}

/** `clients create NAME`: makes a client; its credential goes to standard output, this once and nowhere else. */
export async function runClientCreate(
  context: CommandContext,
  name: string,
  options: ClientCreateOptions,
): Promise<void> {
  const { type, scopes, origins } = options;
  const { env } = context.options;
  if (options.environments !== undefined && env !== undefined) {
    throw new UsageError('Give the environments of the client either by --environments or by --env.');
  }
  if (type === 'b2m' && origins === undefined) {
    throw new UsageError(
      'A publishable key works from the origins of its pages only. Give them: --origins https://shop.example',
    );
  }
  const environments = options.environments ?? (env === undefined ? undefined : [env]);
  const { api, settings } = await context.connect();
  const client = await api.createAuthClient({
    type,
    name,
    ...(environments !== undefined && { environments }),
    ...(scopes !== undefined && { scopes }),
    ...(origins !== undefined && { allowedOrigins: origins }),
  });
  if (context.options.json !== true) {
    const where = client.environments?.join(', ') ?? 'all environments';
    context.note(
      `Made the ${client.type} client "${valueText(client.name)}" (${client.id}): ${client.scopes.join(', ')} in ${where}.`,
    );
    context.note(whereToPutIt(client));
  }
  const { apiUrl, authUrl, organizationId } = settings;
  context.print(credentialText(client, settings), { apiUrl, authUrl, ...client, organizationId });
}

function whereToPutIt(client: CreatedAuthClient): string {
  const once = 'It is shown this once.';
  if (client.type === 'b2m') {
    return `${once} Give the key to the pages of ${client.allowedOrigins.join(', ')} as "publishableKey"; it is no secret.`;
  }
  return `${once} Put these lines into the environment of the program that uses them: the secret store of its platform, or a file that only it can read and that is never committed. With --json it is a file for --credentials.`;
}

/** Lines of a .env file for a program, the bare key for pages. */
function credentialText(client: CreatedAuthClient, settings: ConfigSettings): string {
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
  return Object.entries(variables)
    .map(([variable, value]) => `${variable}=${value}`)
    .join('\n');
}

/** `clients revoke CLIENT`: its tokens and its key stop working at once. */
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
    context.print(`Nothing to do: ${title} was revoked already.`, { ...data, changed: false });
    return;
  }
  const isOwn = client.clientId === settings.clientId ? ' It is the one that this command uses.' : '';
  await confirmLoss(context, {
    yes: options.yes,
    question: `Revoke ${title}.${isOwn} Whoever uses it is locked out at once, and it cannot be taken back. Go on`,
    what: `Whoever uses ${title} would be locked out at once.${isOwn} It cannot be taken back`,
  });
  await api.revokeAuthClient(client.id);
  context.print(context.colors.green(`Revoked ${title}.`), { ...data, changed: true });
}

/** By its id, or by its name where only one that is not revoked has it. */
function findClient(clients: readonly ApiAuthClient[], name: string): ApiAuthClient {
  const byId = clients.find(({ id }) => id === name);
  if (byId !== undefined) return byId;
  const named = clients.filter((client) => client.name === name);
  const live = named.filter(({ revokedAt }) => revokedAt === null);
  const [match = named[0], other] = live;
  if (match === undefined) {
    const candidates = clients.filter(({ revokedAt }) => revokedAt === null).map((client) => client.name);
    throw new UsageError(
      `There is no client "${name}".${didYouMean(name, candidates)} "smooai-config clients list" shows all.`,
    );
  }
  if (other === undefined) return match;
  throw new UsageError(
    `Several clients are named "${name}": ${live.map(({ id }) => id).join(', ')}. Give the id.`,
  );
}
