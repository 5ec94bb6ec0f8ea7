import { BoundedMap } from '../lib/bounded-map.ts';
import { MultiMap } from '../lib/multi-map.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { hashCredential } from './credentials.ts';

const MAX_CACHED_CLIENTS = 1_000;
const MAX_CACHED_ORGANIZATIONS = 100;
// Changes that another process makes in the same storage are seen after this time at the latest.
const MAX_AGE_MS = 5_000;

interface Cached<Value> {
  value: Value;
  readAtMs: number;
}

/** Finds clients through a small cache and notifies listeners when a client is revoked or loses rights. */
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

  /** Also finds revoked clients. */
  async find(id: string): Promise<AuthClient | undefined> {
    const cached = fresh(this.#clients.get(id));
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
   * Call it after storing a new or changed client: it drops cached entries and, if the client was revoked or lost
   * rights, calls its listeners.
   */
  changed(client: AuthClient, change: { mayDoLess: boolean } = { mayDoLess: false }): void {
    // A read that began before this change must not cache the old state.
    this.#generation += 1;
    this.#clients.delete(client.id);
    this.#origins.delete(client.organizationId);
    if (client.revokedAt === null && !change.mayDoLess) return;
    for (const listener of [...this.#listeners.get(client.id)]) {
      if (this.#listeners.delete(client.id, listener)) listener();
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
}

function fresh<Value>(cached: Cached<Value> | undefined): Value | undefined {
  return cached && performance.now() - cached.readAtMs < MAX_AGE_MS ? cached.value : undefined;
}
