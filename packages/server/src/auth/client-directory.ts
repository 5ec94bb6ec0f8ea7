import { BoundedMap } from '../lib/bounded-map.ts';
import { MultiMap } from '../lib/multi-map.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { hashCredential } from './credentials.ts';

const MAX_CACHED_CLIENTS = 1_000;
const MAX_CACHED_ORGANIZATIONS = 100;
// Another process on the same storage cannot tell us of its changes: this bounds how long we miss them.
const MAX_AGE_MS = 5_000;

interface Cached<Value> {
  value: Value;
  readAtMs: number;
}

/** Looks clients up through a small cache that every change made by this server drops, and tells of revocations. */
export class ClientDirectory {
  readonly #storage: Storage;
  readonly #clients = new BoundedMap<string, Cached<AuthClient>>(MAX_CACHED_CLIENTS);
  readonly #idsByHash = new BoundedMap<string, string>(MAX_CACHED_CLIENTS);
  readonly #origins = new BoundedMap<string, Cached<ReadonlySet<string>>>(MAX_CACHED_ORGANIZATIONS);
  readonly #listeners = new MultiMap<string, () => void>();
  #generation = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** The client with that id, also a revoked one. */
  async find(id: string): Promise<AuthClient | undefined> {
    const cached = fresh(this.#clients.get(id));
    if (cached) return cached;
    const generation = this.#generation;
    return this.#keep(await this.#storage.findAuthClient(id), generation);
  }

  /** The client whose credential that is, also a revoked one. */
  async findByCredential(credential: string): Promise<AuthClient | undefined> {
    const hash = hashCredential(credential);
    const id = this.#idsByHash.get(hash);
    if (id !== undefined) return this.find(id);
    const generation = this.#generation;
    const client = this.#keep(await this.#storage.findAuthClientByCredentialHash(hash), generation);
    if (client) this.#idsByHash.set(hash, client.id);
    return client;
  }

  /** Whether some publishable key of the organization that is not revoked allows that origin. */
  async allowsOrigin(organizationId: string, origin: string): Promise<boolean> {
    const cached = fresh(this.#origins.get(organizationId));
    if (cached) return cached.has(origin);
    const generation = this.#generation;
    const clients = await this.#storage.listAuthClients(organizationId);
    const origins = new Set(
      clients
        .filter(({ type, revokedAt }) => type === 'b2m' && revokedAt === null)
        .flatMap((client) => client.allowedOrigins),
    );
    if (generation === this.#generation) {
      this.#origins.set(organizationId, { value: origins, readAtMs: performance.now() });
    }
    return origins.has(origin);
  }

  /**
   * To be called after a new or changed client was stored: drops what is cached and, when the client was revoked or
   * may do less than before, tells those who act for it.
   */
  changed(client: AuthClient, change: { mayDoLess: boolean } = { mayDoLess: false }): void {
    // A read that began before this change must not put the old state back.
    this.#generation += 1;
    this.#clients.delete(client.id);
    this.#origins.delete(client.organizationId);
    if (client.revokedAt === null && !change.mayDoLess) return;
    for (const listener of [...this.#listeners.get(client.id)]) {
      if (this.#listeners.delete(client.id, listener)) listener();
    }
  }

  /**
   * Calls `listener` once when that client is revoked (soon if it is already) or loses rights; answers the way to stop
   * listening.
   */
  onRevoked(clientId: string, listener: () => void): () => void {
    const stop = this.#listeners.add(clientId, listener);
    void this.#notifyIfRevoked(clientId);
    return stop;
  }

  /** A revocation between a request's authentication and its `onRevoked` would be missed otherwise. */
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
}

function fresh<Value>(cached: Cached<Value> | undefined): Value | undefined {
  return cached && performance.now() - cached.readAtMs < MAX_AGE_MS ? cached.value : undefined;
}
