import type { Kysely } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import type { AuthClientType, Timestamp } from '../storage.ts';

/** The tables, as kysely sees them: camelCase here, snake_case in the database. JSON is kept as text. */
export interface Tables {
  organizations: { id: string; name: string; createdAt: Timestamp };
  environments: {
    id: string;
    organizationId: string;
    name: string;
    description: string | null;
    fallbackEnvironmentId: string | null;
    revision: number;
    /** The newest revision whose change is no longer kept. */
    prunedRevision: number;
    createdAt: Timestamp;
    updatedAt: Timestamp;
  };
  schemas: {
    id: string;
    organizationId: string;
    name: string;
    description: string | null;
    currentVersion: number;
    jsonSchema: string;
    createdBy: string;
    createdAt: Timestamp;
    updatedAt: Timestamp;
  };
  schemaVersions: {
    schemaId: string;
    version: number;
    jsonSchema: string;
    changeDescription: string | null;
    createdBy: string;
    createdAt: Timestamp;
  };
  configValues: {
    id: string;
    organizationId: string;
    schemaId: string;
    environmentId: string;
    key: string;
    /** JSON; sealed where the tier is `secret`. */
    value: string;
    tier: string;
    updatedBy: string;
    createdAt: Timestamp;
    updatedAt: Timestamp;
  };
  segments: {
    organizationId: string;
    environmentId: string;
    name: string;
    condition: string;
    description: string | null;
    updatedBy: string;
    createdAt: Timestamp;
    updatedAt: Timestamp;
  };
  changes: { environmentId: string; revision: number; changes: string; at: Timestamp };
  authClients: {
    id: string;
    organizationId: string;
    type: AuthClientType;
    name: string;
    credentialHash: string;
    environments: string | null;
    scopes: string;
    allowedOrigins: string;
    createdAt: Timestamp;
    revokedAt: Timestamp | null;
  };
  signingKeys: { kid: string; sealedJwk: string; createdAt: Timestamp };
  revokedTokens: { jti: string; expiresAtSec: number };
  /** Facts about the database itself. */
  facts: { name: string; value: string };
  migrations: { version: number; name: string; appliedAt: Timestamp };
}

/** What the operations of one connection or transaction work with. */
export interface Session {
  readonly db: Kysely<Tables>;
  readonly box: SecretBox;
  /** Runs several statements as one: in the transaction of the session, or in one of their own. */
  atomically<Result>(work: (db: Kysely<Tables>) => Promise<Result>): Promise<Result>;
}
