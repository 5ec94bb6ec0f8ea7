import type { Kysely } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import type {
  AccessChange,
  AuthClient,
  ChangeRecord,
  Environment,
  Organization,
  StorageHint,
  StoredSchema,
  StoredSegment,
  StoredValue,
  Timestamp,
} from '../storage.ts';

/** A row whose `Column`s contain JSON as text. */
type JsonColumns<Row, Column extends keyof Row> = Omit<Row, Column> & Record<Column, string>;

/** The tables, as kysely sees them: camelCase here, snake_case in the database. */
export interface Tables {
  organizations: Organization;
  /** `prunedRevision` is the newest revision whose change is no longer kept. */
  environments: Environment & { prunedRevision: number };
  schemas: JsonColumns<StoredSchema, 'jsonSchema'>;
  schemaVersions: {
    schemaId: string;
    version: number;
    jsonSchema: string;
    changeDescription: string | null;
    createdBy: string;
    createdAt: Timestamp;
  };
  /** The value of a secret is sealed. */
  configValues: JsonColumns<StoredValue, 'value'>;
  segments: JsonColumns<StoredSegment, 'condition'>;
  changes: JsonColumns<Omit<ChangeRecord, 'needsReload'>, 'changes'> & { needsReload: number };
  accessChanges: Omit<AccessChange, 'mayDoLess'> & { mayDoLess: number };
  authClients: JsonColumns<Omit<AuthClient, 'environments'>, 'scopes' | 'allowedOrigins'> & {
    environments: string | null;
  };
  signingKeys: { kid: string; sealedJwk: string; createdAt: Timestamp };
  revokedTokens: { jti: string; expiresAtSec: number };
  /** Facts about the database itself. */
  facts: { name: string; value: string };
  migrations: { version: number; name: string; appliedAt: Timestamp };
}

/** Tells other processes of the database what the running transaction changes, once it is committed. */
export type Announce = (hint: StorageHint) => void;

/** The database or transaction that operations run on. */
export interface Session {
  readonly db: Kysely<Tables>;
  readonly box: SecretBox;
  /** Runs several statements atomically: in the transaction of the session, or in a new one. */
  atomically<Result>(work: (db: Kysely<Tables>, announce: Announce) => Promise<Result>): Promise<Result>;
  /** The epoch, if it begins with each start and is not in the database. */
  readonly epoch?: { value: string };
}
