import type { Condition, EvaluationContext, JsonValue, Ruleset, SchemaDocument, Tier } from '../wire.ts';

/** A stored value, as `PUT /values` returns it. Times are ISO 8601. */
export interface ApiValue {
  id: string;
  organizationId: string;
  schemaId: string;
  environmentId: string;
  key: string;
  value: JsonValue;
  tier: Tier;
  updatedBy: string;
  createdAt: string;
  updatedAt: string;
}

/** Input of `setValue`. */
export interface ValueInput {
  schemaId: string;
  environmentId: string;
  key: string;
  value: JsonValue;
  tier: Tier;
}

/** A schema; `jsonSchema` is its current version. */
export interface ApiSchema {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  currentVersion: number;
  jsonSchema: SchemaDocument;
  createdBy: string;
  createdAt: string;
  updatedAt: string;
}

/** An environment. Values it does not have come from its fallback. */
export interface ApiEnvironment {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  fallbackEnvironmentId: string | null;
  createdAt: string;
  updatedAt: string;
}

/** Input of `createEnvironment`. */
export interface EnvironmentInput {
  name: string;
  description?: string | null;
  fallbackEnvironmentId?: string | null;
}

/** A named condition. `environmentId` is the environment it is stored in, which may be a fallback. */
export interface ApiSegment {
  organizationId: string;
  environmentId: string;
  name: string;
  condition: Condition;
  description: string | null;
  updatedBy: string;
  createdAt: string;
  updatedAt: string;
}

/** An API client, without its credential. `m2m` clients have a secret, `b2m` clients a publishable key. */
export interface ApiAuthClient {
  id: string;
  /** The OAuth `client_id`: the same as `id`. */
  clientId: string;
  organizationId: string;
  type: 'm2m' | 'b2m';
  name: string;
  /** Names of the environments it may use; null: all. */
  environments: string[] | null;
  scopes: string[];
  allowedOrigins: string[];
  createdAt: string;
  revokedAt: string | null;
}

/** A new API client with its credential, which the server shows only once. */
export interface CreatedAuthClient extends ApiAuthClient {
  /** Of an `m2m` client. */
  clientSecret?: string;
  /** Of a `b2m` client. */
  publishableKey?: string;
}

/** Input of `createAuthClient`. */
export interface AuthClientInput {
  type: 'm2m' | 'b2m';
  name: string;
  /** Names of the environments it may use; null: all. Default null. */
  environments?: string[] | null;
  /** Default `['config:read']`. */
  scopes?: string[];
  /** Origins that may use the publishable key of a `b2m` client. */
  allowedOrigins?: string[];
}

/** Result of `getRuleset`. `unsupported`: the server does not have this endpoint. */
export type RulesetResult =
  | { status: 'changed'; ruleset: Ruleset; etag: string }
  | { status: 'unchanged' }
  | { status: 'unsupported' };

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, which then throws a `RequestTransportError`. */
  signal?: AbortSignal | undefined;
  /** Replaces the client's `retries`, such as 0 for a caller that repeats the call itself. */
  retries?: number | undefined;
}

/** What a write requires of the value that is there before. Otherwise the status is 412, and nothing is written. */
export interface WriteCondition {
  /** The environment must still serve the value with this version, from `getVersionedValue`. */
  ifVersion?: string | undefined;
  /** The environment must not have a value of its own yet. */
  ifUnset?: boolean | undefined;
}

/** A value with its version. */
export interface VersionedValue {
  value: JsonValue;
  /** Names what is stored, targeting included; undefined if the server has the published contract only. */
  version: string | undefined;
}

/** Input of `getSnapshot`. */
export interface SnapshotInput extends CallOptions {
  /** Default: the empty context. */
  context?: EvaluationContext | undefined;
  /** Keys to include; default all. */
  keys?: readonly string[] | undefined;
}
