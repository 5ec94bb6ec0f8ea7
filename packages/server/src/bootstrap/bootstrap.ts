import { randomUUID } from 'node:crypto';
import { hashCredential, newClientSecret } from '../auth/credentials.ts';
import { ServerStartError } from '../errors.ts';
import { SCOPES } from '../principal.ts';
import type { AuthClient, Environment, Storage, StorageOperations } from '../storage/storage.ts';
import { readCredentialsFile, type ServerCredentials, writeCredentialsFile } from './credentials-file.ts';
import { type MovedFile, moveAside } from './lost-database.ts';

/** The environments of a new organization. */
const FIRST_ENVIRONMENTS = ['development', 'staging', 'production'] as const;

/** The organization and credentials that a start found or created. */
export interface Bootstrap {
  organizationId: string;
  /**
   * `first`: everything was created by this start. `renewed`: this start created another admin client on request.
   * `kept`: the credentials file is still valid. `lost`: the credentials file is missing, or its client is unknown or
   * revoked. `elsewhere`: this server has no credentials file, but another one of the same database may.
   */
  credentialsState: 'first' | 'renewed' | 'kept' | 'lost' | 'elsewhere';
  /** The credentials if this start created them. */
  credentials: ServerCredentials | undefined;
  /** Credentials of another organization that were in the file. */
  moved: readonly MovedFile[];
}

export interface BootstrapOptions {
  storage: Storage;
  /** The server's public URL. */
  url: string;
  /** Where to keep the credentials; undefined for nowhere. */
  credentialsFile: string | undefined;
  newAdminClient: boolean;
  /** Whether the storage is in memory: its credentials are worth nothing after it. */
  isTemporary: boolean;
  /** Whether other servers may use the storage, of which one has the credentials file. */
  isShared: boolean;
  /** Whether to begin with a new organization although the credentials file belongs to another one. */
  beginAnew: boolean;
}

/**
 * On an empty storage, creates the first organization, its environments and an admin client. On later starts, updates
 * the server's URL in the credentials file and, on request, creates another admin client. New credentials are written
 * to the file before their client is committed, so that a crash loses neither.
 */
export async function bootstrap(options: BootstrapOptions): Promise<Bootstrap> {
  const { storage } = options;
  const created = await storage.transaction(async (operations) => {
    const [organization] = await operations.listOrganizations();
    if (organization && !options.newAdminClient) return undefined;
    if (!organization) await refuseOtherDatabase(options);
    const organizationId = organization?.id ?? (await createOrganization(operations));
    const credentials = await createAdminClient(operations, organizationId, options.url);
    const moved = await placeCredentials(options, credentials);
    const state = organization ? ('renewed' as const) : ('first' as const);
    return { organizationId, credentials, credentialsState: state, moved };
  });
  return created ?? reuse(options);
}

/** An empty database that others share is the wrong one if there are credentials already, or its data was lost. */
async function refuseOtherDatabase({
  credentialsFile,
  isShared,
  beginAnew,
}: BootstrapOptions): Promise<void> {
  if (!isShared || beginAnew || credentialsFile === undefined) return;
  const found = await readCredentialsFile(credentialsFile);
  if (found === 'absent' || found === 'foreign') return;
  throw new ServerStartError(
    'ERR_DATABASE_MISSING',
    `The database is empty, but ${credentialsFile} has credentials of an organization. Nothing was changed. Check the ` +
      'URL of the database, or restore a backup. To begin with a new organization instead, start once with --begin-anew ' +
      '(option beginAnew), which keeps the old credentials file under another name.',
  );
}

/** Writes new credentials. Those of another organization are kept under another name. */
async function placeCredentials(
  { credentialsFile, isTemporary }: BootstrapOptions,
  credentials: ServerCredentials,
): Promise<MovedFile[]> {
  if (credentialsFile === undefined) return [];
  const found = isTemporary ? 'absent' : await readCredentialsFile(credentialsFile);
  const isOther =
    found !== 'absent' && found !== 'foreign' && found.organizationId !== credentials.organizationId;
  const moved = isOther ? [await moveAside(credentialsFile)] : [];
  await writeCredentialsFile(credentialsFile, credentials);
  return moved;
}

async function reuse({ storage, url, credentialsFile, isShared }: BootstrapOptions): Promise<Bootstrap> {
  const [organization] = await storage.listOrganizations();
  if (!organization) throw new Error('The storage has no organization.');
  const lost: Bootstrap = {
    organizationId: organization.id,
    credentialsState: 'lost',
    credentials: undefined,
    moved: [],
  };
  const found = credentialsFile === undefined ? 'absent' : await readCredentialsFile(credentialsFile);
  if (isShared && found === 'absent') return { ...lost, credentialsState: 'elsewhere' };
  if (credentialsFile === undefined || found === 'absent' || found === 'foreign') return lost;
  const client = await storage.findAuthClient(found.clientId);
  if (client?.revokedAt !== null || client.credentialHash !== hashCredential(found.clientSecret)) return lost;
  if (found.apiUrl !== url || found.authUrl !== url) {
    await writeCredentialsFile(credentialsFile, { ...found, apiUrl: url, authUrl: url });
  }
  return { ...lost, credentialsState: 'kept' };
}

async function createOrganization(operations: StorageOperations): Promise<string> {
  const id = randomUUID();
  const now = new Date().toISOString();
  await operations.insertOrganization({ id, name: 'default', createdAt: now });
  for (const name of FIRST_ENVIRONMENTS) {
    const environment: Environment = {
      id: randomUUID(),
      organizationId: id,
      name,
      description: null,
      fallbackEnvironmentId: null,
      revision: 1,
      createdAt: now,
      updatedAt: now,
    };
    await operations.insertEnvironment(environment);
  }
  return id;
}

async function createAdminClient(
  operations: StorageOperations,
  organizationId: string,
  url: string,
): Promise<ServerCredentials> {
  const clientSecret = newClientSecret();
  const client: AuthClient = {
    id: randomUUID(),
    organizationId,
    type: 'm2m',
    name: 'admin',
    credentialHash: hashCredential(clientSecret),
    environments: null,
    scopes: [...SCOPES],
    allowedOrigins: [],
    createdAt: new Date().toISOString(),
    revokedAt: null,
  };
  await operations.insertAuthClient(client);
  return { apiUrl: url, authUrl: url, organizationId, clientId: client.id, clientSecret };
}
