import { BoundedMap } from '../lib/bounded-map.ts';
import { MultiMap } from '../lib/multi-map.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { hashCredential } from './credentials.ts';

const MAX_CACHED_CLIENTS = 1_000;
const MAX_CACHED_ORGANIZATIONS = 100;
const MAX_AGE_MS = 5_000;

interface Cached<Value> {
  value: Value;
  readAtMs: number;
}

export interface ClientDirectoryOptions {
  /**
   * Set if changes of other processes reach {@link ClientDirectory.changedElsewhere}: entries are then kept until they
   * change. It throws if they may be too old. Without it, an entry is read again after 5 s.
   */
  requireFresh?: (() => void) | undefined;
}

/** Finds clients through a small cache and notifies listeners when a client is revoked or loses rights. */
export class ClientDirectory {
  readonly #storage: Storage;
  readonly #clients = new BoundedMap<string, Cached<AuthClient>>(MAX_CACHED_CLIENTS);
  readonly #idsByHash = new BoundedMap<string, string>(MAX_CACHED_CLIENTS);
  readonly #origins = new BoundedMap<string, Cached<ReadonlySet<string>>>(MAX_CACHED_ORGANIZATIONS);
  readonly #listeners = new MultiMap<string, () => void>();
  readonly #requireFresh: (() => void) | undefined;
  #generation = 0;

  constructor(storage: Storage, { requireFresh }: ClientDirectoryOptions = {}) {
    this.#storage = storage;
    this.#requireFresh = requireFresh;
  }

  /** Also finds revoked clients. */
  async find(id: string): Promise<AuthClient | undefined> {
    const cached = this.#fresh(this.#clients.get(id));
    if (cached) return cached;
    const generation = this.#generation;
    return this.#keep(await this.#storage.findAuthClient(id), generation);
  }

  /** Finds the client of a credential, even if it is revoked. */
  async findByCredential(credential: string): Promise<AuthClient | undefined> {
    const hash = hashCredential(credential);
    const id = this.#idsByHash.get(hash);
    if (id !== undefined) return this.find(id);
    const generation = this.#generation;
    const client = this.#keep(await this.#storage.findAuthClientByCredentialHash(hash), generation);
    if (client) this.#idsByHash.set(hash, client.id);
    return client;
  }

  /** Whether a publishable key of the organization that is not revoked allows an origin. */
  async allowsOrigin(organizationId: string, origin: string): Promise<boolean> {
    const cached = this.#fresh(this.#origins.get(organizationId));
    if (cached) return cached.has(origin);
    const generation = this.#generation;
    const clients = await this.#storage.listAuthClients(organizationId);
    const origins = this.#keepOrigins(organizationId, clients, generation);
    return origins.has(origin);
  }

  /**
   * Call it after storing a new or changed client: it drops cached entries and, if the client was revoked or lost
   * rights, calls its listeners.
   */
  changed(client: AuthClient, change: { mayDoLess: boolean } = { mayDoLess: false }): void {
    // A read that began before this change must not cache the old state.
    this.#generation += 1;
    this.#clients.delete(client.id);
    this.#origins.delete(client.organizationId);
    if (client.revokedAt !== null || change.mayDoLess) this.#notify(client.id);
    this.#readAgain();
  }

  /** Call it after another process has changed a client, or created one. */
  changedElsewhere(id: string, { mayDoLess }: { mayDoLess: boolean }): void {
    this.#generation += 1;
    this.#clients.delete(id);
    this.#origins.clear();
    if (mayDoLess) this.#notify(id);
    this.#readAgain();
  }

  /** Call it after any client may have changed in another process: every stream ends, and its client is read again. */
  forgetAll(): void {
    this.#generation += 1;
    this.#clients.clear();
    this.#origins.clear();
    for (const id of [...this.#listeners.keys()]) this.#notify(id);
    this.#readAgain();
  }

  /** Reads the clients of an organization, so that they are known while the storage cannot be reached. */
  async readAhead(organizationId: string): Promise<void> {
    const generation = this.#generation;
    const clients = await this.#storage.listAuthClients(organizationId);
    this.#keepOrigins(organizationId, clients, generation);
    for (const client of clients) {
      if (client.revokedAt !== null) continue;
      this.#keep(client, generation);
      this.#idsByHash.set(client.credentialHash, client.id);
    }
  }

  #keepOrigins(
    organizationId: string,
    clients: readonly AuthClient[],
    generation: number,
  ): ReadonlySet<string> {
    const origins = new Set(
      clients
        .filter(({ type, revokedAt }) => type === 'b2m' && revokedAt === null)
        .flatMap((client) => client.allowedOrigins),
    );
    if (generation === this.#generation) {
      this.#origins.set(organizationId, { value: origins, readAtMs: performance.now() });
    }
    return origins;
  }

  /** What was dropped from memory would be missing if the storage could not be reached from now on. */
  #readAgain(): void {
    if (this.#requireFresh === undefined) return;
    const read = async (): Promise<void> => {
      for (const { id } of await this.#storage.listOrganizations()) await this.readAhead(id);
    };
    // If it fails, each entry is read when it is needed.
    read().catch(() => undefined);
  }

  #notify(id: string): void {
    for (const listener of [...this.#listeners.get(id)]) {
      if (this.#listeners.delete(id, listener)) listener();
    }
  }

  /**
   * Calls `listener` once when the client is revoked (soon, if it already is) or loses rights. Returns a function that
   * stops listening.
   */
  onRevoked(clientId: string, listener: () => void): () => void {
    const stop = this.#listeners.add(clientId, listener);
    void this.#notifyIfRevoked(clientId);
    return stop;
  }

  /** Catches a revocation between the authentication of a request and its call of `onRevoked`. */
  async #notifyIfRevoked(clientId: string): Promise<void> {
    const client = await this.find(clientId).catch(() => undefined);
    if (client?.revokedAt) this.changed(client);
  }

  #keep(client: AuthClient | undefined, generation: number): AuthClient | undefined {
    if (client && generation === this.#generation) {
      this.#clients.set(client.id, { value: client, readAtMs: performance.now() });
    }
    return client;
  }

  #fresh<Value>(cached: Cached<Value> | undefined): Value | undefined {
    if (this.#requireFresh !== undefined) {
      this.#requireFresh();
      return cached?.value;
    }
    return cached && performance.now() - cached.readAtMs < MAX_AGE_MS ? cached.value : undefined;
  }
}
