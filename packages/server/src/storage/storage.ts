import type { Condition, JsonValue, RulesetChange, SchemaDocument, Tier } from '@smooai/config';

/** ISO 8601 date-time in UTC. */
export type Timestamp = string;

/** An organization: the owner of schemas, environments and clients. */
export interface Organization {
  id: string;
  name: string;
  createdAt: Timestamp;
}

/** An environment of an organization; values it lacks come from its fallback. */
export interface Environment {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  fallbackEnvironmentId: string | null;
  /** Grows with every change that this environment sees, also through its fallbacks. */
  revision: number;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** A schema at its current version. */
export interface StoredSchema {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  currentVersion: number;
  jsonSchema: SchemaDocument;
  createdBy: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** What identifies the content of a schema. */
export type SchemaVersion = Pick<StoredSchema, 'id' | 'organizationId' | 'name' | 'currentVersion'>;

/** A value of one key in one environment. A secret is plain text here; implementations store it encrypted. */
export interface StoredValue {
  id: string;
  organizationId: string;
  schemaId: string;
  environmentId: string;
  key: string;
  value: JsonValue;
  tier: Tier;
  updatedBy: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** A named condition of one environment. */
export interface StoredSegment {
  organizationId: string;
  environmentId: string;
  name: string;
  condition: Condition;
  description: string | null;
  updatedBy: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** `m2m` has a secret and gets tokens; `b2m` has a publishable key. */
export type AuthClientType = 'm2m' | 'b2m';

/** An API client. Only the SHA-256 of its random 256-bit credential is stored. */
export interface AuthClient {
  /** The OAuth `client_id`. */
  id: string;
  organizationId: string;
  type: AuthClientType;
  name: string;
  /** Hex SHA-256 of the client secret or the publishable key. */
  credentialHash: string;
  /** Names of the environments it may use; null for all. */
  environments: string[] | null;
  scopes: string[];
  /** Origins that may use a publishable key. */
  allowedOrigins: string[];
  createdAt: Timestamp;
  revokedAt: Timestamp | null;
}

/** The changes of one revision of an environment, as its clients see them (fallbacks resolved). */
export interface ChangeRecord {
  environmentId: string;
  revision: number;
  changes: RulesetChange[];
  at: Timestamp;
  /** Set if more than `changes` is new, such as a name or the defaults of a schema: a view must be read again. */
  needsReload?: true;
}

/** A client that was created, changed or revoked, or a token that was revoked. */
export interface AccessChange {
  /** Counts the access changes of the database. */
  revision: number;
  kind: 'client' | 'token';
  /** The id of the client, or the `jti` of the token. */
  id: string;
  /** Whether rights were lost: open streams must end. */
  mayDoLess: boolean;
}

/** A key that signs tokens: a private JWK, stored encrypted. */
export interface SigningKey {
  kid: string;
  privateJwk: JsonValue;
  createdAt: Timestamp;
}

/**
 * Every operation of the server on its storage. Each is one statement or a few; run several that belong together in
 * {@link Storage.transaction}. The interface does not depend on a particular database.
 */
export interface StorageOperations {
  insertOrganization(organization: Organization): Promise<void>;
  findOrganization(id: string): Promise<Organization | undefined>;
  listOrganizations(): Promise<Organization[]>;

  /** @throws {UniqueViolationError} for a name that the organization already has */
  insertEnvironment(environment: Environment): Promise<void>;
  /** Updates name, description, fallback, revision and updatedAt. */
  updateEnvironment(environment: Environment): Promise<void>;
  /**
   * Gives each of those environments that exist the next revision, and returns it. Changes older than the newest `keep` are
   * no longer listed.
   */
  advanceRevisions(environmentIds: readonly string[], keep: number): Promise<Map<string, number>>;
  /** Also deletes its values, segments and changes. */
  deleteEnvironment(id: string): Promise<void>;
  findEnvironment(id: string): Promise<Environment | undefined>;
  findEnvironmentByName(organizationId: string, name: string): Promise<Environment | undefined>;
  /** Sorted by name. */
  listEnvironments(organizationId: string): Promise<Environment[]>;

  /** @throws {UniqueViolationError} for a name that the organization already has */
  insertSchema(schema: StoredSchema): Promise<void>;
  /** Updates name, description, currentVersion, jsonSchema and updatedAt, and adds a new version to the history. */
  updateSchema(schema: StoredSchema, change?: { description: string | null; by: string }): Promise<void>;
  /** Also deletes its values and its history. */
  deleteSchema(id: string): Promise<void>;
  findSchema(id: string): Promise<StoredSchema | undefined>;
  /** A schema without its document, which can be large. */
  findSchemaVersion(id: string): Promise<SchemaVersion | undefined>;
  /** The id of the client that pushed this version; undefined if the schema was last changed by something else. */
  findSchemaWriter(schema: StoredSchema): Promise<string | undefined>;
  /** Sorted by name. */
  listSchemas(organizationId: string): Promise<StoredSchema[]>;

  /** Inserts or replaces the value of an environment and key, keeping id and createdAt. Returns the stored row. */
  upsertValue(value: StoredValue): Promise<StoredValue>;
  /** Returns whether there was one. */
  deleteValue(environmentId: string, key: string): Promise<boolean>;
  findValue(environmentId: string, key: string): Promise<StoredValue | undefined>;
  findValueById(id: string): Promise<StoredValue | undefined>;
  /**
   * The ids of the environment and of those that inherit a key from it, because neither they nor an environment between has
   * a value of its own.
   */
  listViewersOfValue(environmentId: string, key: string): Promise<string[]>;
  /** The values of one environment itself (no fallback), sorted by key. */
  listValues(environmentId: string): Promise<StoredValue[]>;
  /** The values of one schema in all environments. */
  listSchemaValues(schemaId: string): Promise<StoredValue[]>;

  /**
   * Names the content of a value: the same for the same content, at every server of the database. A secret cannot be
   * guessed from it.
   */
  versionOf(value: Pick<StoredValue, 'tier' | 'key' | 'value'>): string;
  /** Names other content in the same way. */
  fingerprint(content: unknown): string;

  upsertSegment(segment: StoredSegment): Promise<StoredSegment>;
  deleteSegment(environmentId: string, name: string): Promise<boolean>;
  /** Sorted by name. */
  listSegments(environmentId: string): Promise<StoredSegment[]>;

  /**
   * Keeps a change for {@link listChangesSince}. One that is too long is not kept, and neither are those before it. Call
   * it in the transaction that gives the environment the revision.
   */
  appendChange(record: ChangeRecord): Promise<void>;
  /**
   * The changes after `revision`, oldest first. Undefined if some of them were pruned, were too long, or are older than the
   * environment, or if the environment has not reached `revision` (the client has seen a database that was since
   * replaced by an older backup). Every revision must have a change.
   *
   * @param limits `maxBytes`: if the stored changes have more bytes, none is read, and the result is undefined too
   */
  listChangesSince(
    environmentId: string,
    revision: number,
    limits?: { maxBytes?: number },
  ): Promise<ChangeRecord[] | undefined>;
  /** Deletes all but the newest `keep` changes of an environment. */
  pruneChanges(environmentId: string, keep: number): Promise<void>;

  /** Names the history that the revisions belong to. All processes that share the database have the same. */
  readEpoch(): Promise<string>;
  /** Begins a new epoch, unless it is no longer `epoch`. */
  renewEpoch(epoch: string): Promise<void>;
  /** The revisions of those environments that exist. */
  readRevisions(environmentIds: readonly string[]): Promise<Map<string, number>>;

  /** Call it in the transaction that changes a client or revokes a token. The newest 1,000 are kept. */
  recordAccessChange(change: Omit<AccessChange, 'revision'>): Promise<void>;
  /** The revision of the newest access change; 0 before the first. */
  readAccessRevision(): Promise<number>;
  /** The access changes after `revision`, oldest first; undefined if some of them are no longer kept. */
  listAccessChangesSince(revision: number): Promise<AccessChange[] | undefined>;

  insertAuthClient(client: AuthClient): Promise<void>;
  /** Updates name, environments, scopes, allowedOrigins and revokedAt. */
  updateAuthClient(client: AuthClient): Promise<void>;
  findAuthClient(id: string): Promise<AuthClient | undefined>;
  findAuthClientByCredentialHash(credentialHash: string): Promise<AuthClient | undefined>;
  /** Oldest first, including revoked ones. */
  listAuthClients(organizationId: string): Promise<AuthClient[]>;

  insertSigningKey(key: SigningKey): Promise<void>;
  /** Newest first. */
  listSigningKeys(): Promise<SigningKey[]>;
  /** Records a revoked token until it would have expired (epoch seconds). */
  insertRevokedToken(jti: string, expiresAtSec: number): Promise<void>;
  isTokenRevoked(jti: string): Promise<boolean>;
  /** Every revoked token that has not expired. */
  listRevokedTokens(nowSec: number): Promise<string[]>;
  /** Deletes revoked tokens that have expired. */
  pruneRevokedTokens(nowSec: number): Promise<void>;
}

/** The server's storage. A write whose promise has resolved survives a crash of the process and of the machine. */
export interface Storage extends StorageOperations {
  /**
   * Runs `work` in one transaction, as if no other one wrote at the same time, in this process or another. It is rolled
   * back if `work` throws. Inside, use only the operations that `work` receives: those of the storage itself throw, wait
   * for the transaction to end or do not see it.
   *
   * @param scope all by default; a smaller one lets others write elsewhere at the same time
   */
  transaction<Result>(
    work: (operations: StorageOperations) => Promise<Result>,
    scope?: WriteScope,
  ): Promise<Result>;
  /** Runs `work`, which only reads, on one state of the database. In PostgreSQL it does not wait for writes. */
  snapshot<Result>(work: (operations: StorageOperations) => Promise<Result>): Promise<Result>;
  /**
   * Resolves if the storage works. After a write that failed because of the disk, it tries to write.
   * @throws {StorageError} with what to do
   */
  ping(): Promise<void>;
  /** Set if other processes may write to the same database. */
  readonly shared?: SharedDatabase;
  close(): Promise<void>;
}

/** What a transaction changes. */
export interface WriteScope {
  /**
   * It only changes values of these environments, and revisions of those that inherit from them. No other transaction writes
   * to them, to the environments that they inherit from, or to any that inherit from those.
   */
  valuesOf: readonly string[];
}

/** Something that another process, or this one, has committed. The data itself is read from the database. */
export type StorageHint =
  | { environmentId: string; revision: number }
  /** Anything may have changed: a client, the epoch, or all of it while there was no connection. */
  | 'anything';

/** A database that other processes write to. */
export interface SharedDatabase {
  /** Whether the database can be reached, as far as is known. If not, every operation throws at once. */
  readonly isConnected: boolean;
  /**
   * Calls `listener` with each hint, and when the connection is lost or restored. Hints can be lost: look for changes from
   * time to time. Returns a function that stops listening.
   */
  onHint(listener: (hint: StorageHint | 'disconnected') => void): () => void;
}

/** There is already a row with the same value in a unique field. */
export class UniqueViolationError extends Error {
  override readonly name = 'UniqueViolationError';
  readonly field: string;

  constructor(field: string) {
    super(`There is already a row with the same ${field}.`);
    this.field = field;
  }
}
