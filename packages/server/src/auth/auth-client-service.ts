import { randomUUID } from 'node:crypto';
import { Refusal } from '../domain/refusal.ts';
import { parseUrl } from '../lib/parse-url.ts';
import type { Principal, Scope } from '../principal.ts';
import type { AuthClient, AuthClientType, Storage, StorageOperations } from '../storage/storage.ts';
import type { ClientDirectory } from './client-directory.ts';
import { hashCredential, newClientSecret, newPublishableKey } from './credentials.ts';

/** What a new client is made of. */
export interface NewClient {
  type: AuthClientType;
  name: string;
  /** Names; absent or null for all. */
  environments?: string[] | null;
  /** Default `['config:read']`. */
  scopes?: Scope[];
  /** Required for a publishable key, refused for a machine client. */
  allowedOrigins?: string[];
}

/** What may change of a client. */
export type ClientPatch = Partial<Omit<NewClient, 'type'>>;

/** A client as the API shows it: without its credential. */
export type ClientView = Omit<AuthClient, 'credentialHash'> & { clientId: string };

/** A client that was just made, with its credential, which is never shown again. */
export type CreatedClient = ClientView & ({ clientSecret: string } | { publishableKey: string });

/** The rules of auth clients: who may make them, what they may do, and their revocation. */
export class AuthClientService {
  readonly #storage: Storage;
  readonly #clients: ClientDirectory;

  constructor(options: { storage: Storage; clients: ClientDirectory }) {
    this.#storage = options.storage;
    this.#clients = options.clients;
  }

  /** Oldest first, the revoked ones too. */
  async list(organizationId: string): Promise<ClientView[]> {
    return (await this.#storage.listAuthClients(organizationId)).map(viewOf);
  }

  /** @throws {Refusal} 400 or 403 */
  async create(principal: Principal, wish: NewClient): Promise<CreatedClient> {
    const credential = wish.type === 'm2m' ? newClientSecret() : newPublishableKey();
    const client: AuthClient = {
      id: randomUUID(),
      organizationId: principal.organizationId,
      type: wish.type,
      name: wish.name.trim(),
      credentialHash: hashCredential(credential),
      environments: wish.environments ?? null,
      scopes: wish.scopes ?? ['config:read'],
      allowedOrigins: wish.allowedOrigins ?? [],
      createdAt: new Date().toISOString(),
      revokedAt: null,
    };
    await this.#storage.transaction(async (operations) => {
      await checkClient(operations, principal, client);
      await operations.insertAuthClient(client);
    });
    this.#clients.changed(client);
    const secret = wish.type === 'm2m' ? { clientSecret: credential } : { publishableKey: credential };
    return { ...viewOf(client), ...secret };
  }

  /** @throws {Refusal} 400, 403, 404 or 409 */
  async update(principal: Principal, id: string, patch: ClientPatch): Promise<ClientView> {
    const { client, mayDoLess } = await this.#storage.transaction(async (operations) => {
      const current = await findClient(operations, principal, id);
      if (current.revokedAt !== null) throw new Refusal('conflict', 'The client is revoked.');
      refuseMorePowerful(principal, current);
      const next: AuthClient = { ...current, ...patch, name: (patch.name ?? current.name).trim() };
      await checkClient(operations, principal, next);
      if (isAdmin(current) && !isAdmin(next)) await refuseLastAdmin(operations, current);
      await operations.updateAuthClient(next);
      return { client: next, mayDoLess: losesRights(current, next) };
    });
    this.#clients.changed(client, { mayDoLess });
    return viewOf(client);
  }

  /** Revoking a revoked client does nothing. @throws {Refusal} 403, 404 or 409 */
  async revoke(principal: Principal, id: string): Promise<void> {
    const revoked = await this.#storage.transaction(async (operations) => {
      const current = await findClient(operations, principal, id);
      if (current.revokedAt !== null) return current;
      refuseMorePowerful(principal, current);
      if (isAdmin(current)) await refuseLastAdmin(operations, current);
      const next: AuthClient = { ...current, revokedAt: new Date().toISOString() };
      await operations.updateAuthClient(next);
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
    throw new Refusal('not-found', 'There is no auth client with this id.');
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
        `Field "environments[${index}]" names an environment that does not exist.`,
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

/** A browser sends scheme, host and port in lower case, without a default port: anything else would never match. */
function checkOrigin(origin: string, index: number): void {
  const url = parseUrl(origin);
  const web = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (web && url.origin === origin && !origin.includes('*')) return;
  const example = url && /^https?:$/.test(url.protocol) ? `, such as ${url.origin}` : '';
  throw new Refusal(
    'invalid',
    `Field "allowedOrigins[${index}]" must be an origin: scheme://host[:port]${example}.`,
  );
}

/** Nobody makes, changes or revokes a client that may do more than they may themselves. */
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
    throw new Refusal('forbidden', 'The caller may use fewer environments than that client.');
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
      'This is the last client with the scope config:admin: create another one first.',
    );
  }
}

function viewOf({ credentialHash: _hash, ...client }: AuthClient): ClientView {
  return { ...client, clientId: client.id };
}
