import type { Condition, JsonValue, RulesetChange, Tier, WireSchema } from '@smooai/config';

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
  jsonSchema: WireSchema;
  createdBy: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** A value of one key in one environment. A secret is plain here; an implementation keeps it encrypted. */
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

/** An API client. Credentials are kept as SHA-256 of their (random, 256-bit) text, never as they are. */
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

/** What one revision changed in one environment, as its clients see it (fallbacks resolved). */
export interface ChangeRecord {
  environmentId: string;
  revision: number;
  changes: RulesetChange[];
  at: Timestamp;
}

/** A key that signs tokens: a private JWK, kept encrypted. */
export interface SigningKey {
  kid: string;
  privateJwk: JsonValue;
  createdAt: Timestamp;
}

/**
 * Every operation of the server on its storage. All calls are asynchronous and stand for one statement or a few;
 * several that belong together run in {@link Storage.transaction}. Nothing here is particular to one database.
 */
export interface StorageOperations {
  insertOrganization(organization: Organization): Promise<void>;
  findOrganization(id: string): Promise<Organization | undefined>;
  listOrganizations(): Promise<Organization[]>;

  /** @throws {UniqueViolationError} for a name that the organization has. */
  insertEnvironment(environment: Environment): Promise<void>;
  /** Updates name, description, fallback, revision and updatedAt. */
  updateEnvironment(environment: Environment): Promise<void>;
  /** Deletes it with its values, segments and changes. */
  deleteEnvironment(id: string): Promise<void>;
  findEnvironment(id: string): Promise<Environment | undefined>;
  findEnvironmentByName(organizationId: string, name: string): Promise<Environment | undefined>;
  /** By name. */
  listEnvironments(organizationId: string): Promise<Environment[]>;

  /** @throws {UniqueViolationError} for a name that the organization has. */
  insertSchema(schema: StoredSchema): Promise<void>;
  /** Updates name, description, currentVersion, jsonSchema and updatedAt, and keeps the version in the history. */
  updateSchema(schema: StoredSchema, change?: { description: string | null; by: string }): Promise<void>;
  /** Deletes it with its values and its history. */
  deleteSchema(id: string): Promise<void>;
  findSchema(id: string): Promise<StoredSchema | undefined>;
  /** By name. */
  listSchemas(organizationId: string): Promise<StoredSchema[]>;

  /** Inserts, or replaces the value of that environment and key (keeping id and createdAt); answers the stored row. */
  upsertValue(value: StoredValue): Promise<StoredValue>;
  /** Answers whether there was one. */
  deleteValue(environmentId: string, key: string): Promise<boolean>;
  findValue(environmentId: string, key: string): Promise<StoredValue | undefined>;
  /** All values of one environment itself (no fallback), by key. */
  listValues(environmentId: string): Promise<StoredValue[]>;
  /** All values of one schema in every environment. */
  listSchemaValues(schemaId: string): Promise<StoredValue[]>;

  upsertSegment(segment: StoredSegment): Promise<StoredSegment>;
  deleteSegment(environmentId: string, name: string): Promise<boolean>;
  /** By name. */
  listSegments(environmentId: string): Promise<StoredSegment[]>;

  appendChange(record: ChangeRecord): Promise<void>;
  /**
   * Changes after `revision`, oldest first; undefined when some of them are not kept (any more, or since the environment
   * was made), or when it has not reached that revision (its client saw a database that has been replaced by an older
   * backup). Every revision must have its change.
   */
  listChangesSince(environmentId: string, revision: number): Promise<ChangeRecord[] | undefined>;
  /** Forgets all but the newest `keep` changes of an environment. */
  pruneChanges(environmentId: string, keep: number): Promise<void>;

  insertAuthClient(client: AuthClient): Promise<void>;
  /** Updates name, environments, scopes, allowedOrigins and revokedAt. */
  updateAuthClient(client: AuthClient): Promise<void>;
  findAuthClient(id: string): Promise<AuthClient | undefined>;
  findAuthClientByCredentialHash(credentialHash: string): Promise<AuthClient | undefined>;
  /** Oldest first, the revoked ones too. */
  listAuthClients(organizationId: string): Promise<AuthClient[]>;

  insertSigningKey(key: SigningKey): Promise<void>;
  /** Newest first. */
  listSigningKeys(): Promise<SigningKey[]>;
  /** Remembers a revoked token until it would have expired (epoch seconds). */
  insertRevokedToken(jti: string, expiresAtSec: number): Promise<void>;
  isTokenRevoked(jti: string): Promise<boolean>;
  /** Forgets revoked tokens that have expired. */
  pruneRevokedTokens(nowSec: number): Promise<void>;
}

/** The server's storage. A write whose promise has resolved survives a crash of the process and of the machine. */
export interface Storage extends StorageOperations {
  /**
   * Runs `work` on one serializable transaction: all of it is kept or, if it throws, nothing. Inside, only the
   * transaction's own operations may be used: those of the storage wait for its end, or refuse.
   */
  transaction<Result>(work: (operations: StorageOperations) => Promise<Result>): Promise<Result>;
  /** Resolves when the storage answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A row with that name is there already. */
export class UniqueViolationError extends Error {
  override readonly name = 'UniqueViolationError';
  readonly field: string;

  constructor(field: string) {
    super(`A row with the same ${field} exists.`);
    this.field = field;
  }
}
