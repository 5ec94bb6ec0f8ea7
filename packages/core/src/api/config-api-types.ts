import type { Condition, EvaluationContext, JsonValue, Ruleset, Tier, WireSchema } from '../wire.ts';

/** A stored value, as `PUT /values` answers it. Times are ISO 8601. */
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

/** What `setValue` stores. */
export interface ValueInput {
  schemaId: string;
  environmentId: string;
  key: string;
  value: JsonValue;
  tier: Tier;
}

/** A schema at its current version. */
export interface ApiSchema {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  currentVersion: number;
  jsonSchema: WireSchema;
  createdBy: string;
  createdAt: string;
  updatedAt: string;
}

/** An environment; values that it lacks come from its fallback. */
export interface ApiEnvironment {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  fallbackEnvironmentId: string | null;
  createdAt: string;
  updatedAt: string;
}

/** What `createEnvironment` takes. */
export interface EnvironmentInput {
  name: string;
  description?: string | null;
  fallbackEnvironmentId?: string | null;
}

/** A named condition of one environment; `environmentId` tells whether it is a fallback's. */
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

/** A client of the API, without its credential. `m2m` has a secret, `b2m` a publishable key. */
export interface ApiAuthClient {
  id: string;
  /** The OAuth `client_id`: the same as `id`. */
  clientId: string;
  organizationId: string;
  type: 'm2m' | 'b2m';
  name: string;
  /** Names of the environments it may use; null for all. */
  environments: string[] | null;
  scopes: string[];
  allowedOrigins: string[];
  createdAt: string;
  revokedAt: string | null;
}

/** A client that was just made: its credential is shown this once. */
export interface CreatedAuthClient extends ApiAuthClient {
  /** The OAuth client secret of an `m2m` client. */
  clientSecret?: string;
  /** The key of a `b2m` client. */
  publishableKey?: string;
}

/** What `createAuthClient` takes. */
export interface AuthClientInput {
  type: 'm2m' | 'b2m';
  name: string;
  /** Names of environments; null or left out for all. */
  environments?: string[] | null;
  /** Default `config:read`. */
  scopes?: string[];
  /** Origins that may use the key of a `b2m` client. */
  allowedOrigins?: string[];
}

/** What `getRuleset` answers. `unsupported`: the server has the published contract alone. */
export type RulesetAnswer =
  | { status: 'changed'; ruleset: Ruleset; etag: string }
  | { status: 'unchanged' }
  | { status: 'unsupported' };

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call, which then throws a `RequestTransportError`. */
  signal?: AbortSignal | undefined;
  /** In place of the client's `retries`, such as 0 where the caller has a loop of its own. */
  retries?: number | undefined;
}

/** What `getSnapshot` takes. */
export interface SnapshotInput extends CallOptions {
  /** Default: the empty context. */
  context?: EvaluationContext | undefined;
  /** Only these keys; default all. */
  keys?: readonly string[] | undefined;
}
