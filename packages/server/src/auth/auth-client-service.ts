import { randomUUID } from 'node:crypto';
import { Refusal } from '../domain/refusal.ts';
import { clip } from '../lib/clip.ts';
import { parseUrl } from '../lib/parse-url.ts';
import type { Principal, Scope } from '../principal.ts';
import type { AuthClient, AuthClientType, Storage, StorageOperations } from '../storage/storage.ts';
import type { ClientDirectory } from './client-directory.ts';
import { hashCredential, newClientSecret, newPublishableKey } from './credentials.ts';

/** The fields of a new client. */
export interface NewClient {
  type: AuthClientType;
  name: string;
  /** Names of the environments it may use; absent or null for all. */
  environments?: string[] | null;
  /** Default `['config:read']`. */
  scopes?: Scope[];
  /** Required for a publishable key, not allowed for a machine client. */
  allowedOrigins?: string[];
}

/** The fields of a client that can change. */
export type ClientPatch = Partial<Omit<NewClient, 'type'>>;

/** A client as the API shows it: without its credential. */
export type ClientView = Omit<AuthClient, 'credentialHash'> & { clientId: string };

/** A new client with its credential, which is never shown again. */
export type CreatedClient = ClientView & ({ clientSecret: string } | { publishableKey: string });

/** Lists, creates, changes and revokes auth clients, within the rights of the caller. */
export class AuthClientService {
  readonly #storage: Storage;
  readonly #clients: ClientDirectory;

  constructor(options: { storage: Storage; clients: ClientDirectory }) {
    this.#storage = options.storage;
    this.#clients = options.clients;
  }

  /** Oldest first, including revoked ones. */
  async list(organizationId: string): Promise<ClientView[]> {
    return (await this.#storage.listAuthClients(organizationId)).map(viewOf);
  }

  /**
   * Creates a client with a new credential.
   * @throws {Refusal} `invalid` or `forbidden`
   */
  async create(principal: Principal, input: NewClient): Promise<CreatedClient> {
    const credential = input.type === 'm2m' ? newClientSecret() : newPublishableKey();
    const client: AuthClient = {
      id: randomUUID(),
      organizationId: principal.organizationId,
      type: input.type,
      name: input.name.trim(),
      credentialHash: hashCredential(credential),
      environments: input.environments ?? null,
      scopes: input.scopes ?? ['config:read'],
      allowedOrigins: input.allowedOrigins ?? [],
      createdAt: new Date().toISOString(),
      revokedAt: null,
    };
    await this.#storage.transaction(async (operations) => {
      await checkClient(operations, principal, client);
      await operations.insertAuthClient(client);
      await operations.recordAccessChange({ kind: 'client', id: client.id, mayDoLess: false });
    });
    this.#clients.changed(client);
    const secret = input.type === 'm2m' ? { clientSecret: credential } : { publishableKey: credential };
    return { ...viewOf(client), ...secret };
  }

  /**
   * Changes a client; listeners of `ClientDirectory` are called if it loses rights.
   * @throws {Refusal} `invalid`, `forbidden`, `not-found`, or `conflict` for a revoked client or the last admin
   */
  async update(principal: Principal, id: string, patch: ClientPatch): Promise<ClientView> {
    const { client, mayDoLess } = await this.#storage.transaction(async (operations) => {
      const current = await findClient(operations, principal, id);
      if (current.revokedAt !== null)
        throw new Refusal('conflict', 'The client is revoked and can no longer be changed.');
      refuseMorePowerful(principal, current);
      const next: AuthClient = { ...current, ...patch, name: (patch.name ?? current.name).trim() };
      await checkClient(operations, principal, next);
      if (isAdmin(current) && !isAdmin(next)) await refuseLastAdmin(operations, current);
      await operations.updateAuthClient(next);
      const mayDoLess = losesRights(current, next);
      await operations.recordAccessChange({ kind: 'client', id, mayDoLess });
      return { client: next, mayDoLess };
    });
    this.#clients.changed(client, { mayDoLess });
    return viewOf(client);
  }

  /**
   * Revokes a client; does nothing if it is revoked already.
   * @throws {Refusal} `forbidden`, `not-found`, or `conflict` for the last admin
   */
  async revoke(principal: Principal, id: string): Promise<void> {
    const revoked = await this.#storage.transaction(async (operations) => {
      const current = await findClient(operations, principal, id);
      if (current.revokedAt !== null) return current;
      refuseMorePowerful(principal, current);
      if (isAdmin(current)) await refuseLastAdmin(operations, current);
      const next: AuthClient = { ...current, revokedAt: new Date().toISOString() };
      await operations.updateAuthClient(next);
      await operations.recordAccessChange({ kind: 'client', id, mayDoLess: true });
      return next;
    });
    this.#clients.changed(revoked);
  }
}

async function findClient(
  operations: StorageOperations,
  principal: Principal,
  id: string,
): Promise<AuthClient> {
  const client = await operations.findAuthClient(id);
  if (client?.organizationId !== principal.organizationId) {
    throw new Refusal('not-found', 'An auth client with this id does not exist.');
  }
  return client;
}

async function checkClient(
  operations: StorageOperations,
  principal: Principal,
  client: AuthClient,
): Promise<void> {
  checkByType(client);
  client.allowedOrigins.forEach(checkOrigin);
  for (const [index, name] of (client.environments ?? []).entries()) {
    if (!(await operations.findEnvironmentByName(client.organizationId, name))) {
      throw new Refusal(
        'invalid',
        `Field "environments[${index}]": the environment "${clip(name)}" does not exist.`,
      );
    }
  }
  refuseMorePowerful(principal, client);
}

function checkByType(client: AuthClient): void {
  if (client.scopes.length === 0) throw new Refusal('invalid', 'Field "scopes" must not be empty.');
  if (client.environments?.length === 0) {
    throw new Refusal('invalid', 'Field "environments" must not be empty; leave it out for all.');
  }
  if (client.type === 'm2m') {
    if (client.allowedOrigins.length === 0) return;
    throw new Refusal('invalid', 'Field "allowedOrigins" is for a publishable key (type b2m) only.');
  }
  if (client.scopes.some((scope) => scope !== 'config:read')) {
    throw new Refusal(
      'invalid',
      'Field "scopes" of a publishable key (type b2m) can only be ["config:read"].',
    );
  }
  if (client.allowedOrigins.length === 0) {
    throw new Refusal('invalid', 'Field "allowedOrigins" is required for a publishable key (type b2m).');
  }
}

/** Refuses an origin in a form that no browser sends, such as one with a path, a default port or capitals. */
function checkOrigin(origin: string, index: number): void {
  const url = parseUrl(origin);
  const web = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (web && url.origin === origin && !origin.includes('*')) return;
  // A host without its scheme. Not the word "null", which browsers send for an opaque origin.
  const isBare = /^(?:localhost|[^/*]*[.:][^/*]*)$/.test(origin);
  const meant = web ? url : isBare ? parseUrl(`http://${origin}`) : undefined;
  const example = meant && meant.host !== '' ? `, such as ${meant.origin}` : '';
  throw new Refusal(
    'invalid',
    `Field "allowedOrigins[${index}]" must be an origin: scheme://host[:port]${example}.`,
  );
}

/** A caller can only manage clients whose rights do not exceed its own. */
function refuseMorePowerful(principal: Principal, client: AuthClient): void {
  const scope = client.scopes.find((name) => ![...principal.scopes].some((own) => own === name));
  if (scope !== undefined) {
    throw new Refusal(
      'forbidden',
      `The caller lacks the scope ${scope}, so it cannot manage a client that has it.`,
    );
  }
  if (principal.environments === undefined) return;
  const own = principal.environments;
  if (client.environments === null || client.environments.some((name) => !own.includes(name))) {
    throw new Refusal(
      'forbidden',
      'The caller is limited to fewer environments than the client that it wants to manage.',
    );
  }
}

function losesRights(before: AuthClient, after: AuthClient): boolean {
  const { environments } = after;
  const fewerEnvironments =
    environments !== null &&
    (before.environments === null || before.environments.some((name) => !environments.includes(name)));
  return (
    fewerEnvironments ||
    before.scopes.some((scope) => !after.scopes.includes(scope)) ||
    before.allowedOrigins.some((origin) => !after.allowedOrigins.includes(origin))
  );
}

function isAdmin(client: AuthClient): boolean {
  return client.revokedAt === null && client.scopes.includes('config:admin');
}

async function refuseLastAdmin(operations: StorageOperations, client: AuthClient): Promise<void> {
  const others = (await operations.listAuthClients(client.organizationId)).filter(
    ({ id }) => id !== client.id,
  );
  if (!others.some(isAdmin)) {
    throw new Refusal(
      'conflict',
      'This is the last client with the scope config:admin. Create another one first.',
    );
  }
}

function viewOf({ credentialHash: _hash, ...client }: AuthClient): ClientView {
  return { ...client, clientId: client.id };
}
