import { ENVIRONMENT_NAME } from '../domain/environments.ts';
import { TIER_NAMES } from '../domain/values.ts';
import { SCOPES } from '../principal.ts';

/** A JSON Schema of the API's description. */
export type ApiSchema = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const nullableText = { type: ['string', 'null'] };
const time = { type: 'string', format: 'date-time' };
const anyJson = {};

/** An object whose fields are all there, except those that are named as optional. */
function record(
  properties: Readonly<Record<string, ApiSchema>>,
  optional: readonly string[] = [],
): ApiSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', required, properties };
}

const mapOf = (values: ApiSchema): ApiSchema => ({ type: 'object', additionalProperties: values });
const listOf = (items: ApiSchema): ApiSchema => ({ type: 'array', items });

/** Refers to one of {@link apiSchemas}. */
export function ref(name: string): ApiSchema {
  return { $ref: `${name}#` };
}

/** A list of one of {@link apiSchemas}. */
export function listRef(name: string): ApiSchema {
  return listOf(ref(name));
}

/** A response with a JSON body. */
export function json(description: string, schema: ApiSchema): ApiSchema {
  return { description, content: { 'application/json': { schema } } };
}

/** A response with the version of what is stored, for a precondition. */
export function withEtag(response: ApiSchema): ApiSchema {
  const description = 'The version, to send as If-Match with a write; not for publishable keys';
  return { ...response, headers: { ETag: { type: 'string', description } } };
}

/** A response of server-sent events. */
export function eventStream(description: string): ApiSchema {
  return { description, content: { 'text/event-stream': { schema: text } } };
}

/** A response without a body. */
export function noBody(description: string): ApiSchema {
  return { type: 'null', description };
}

const evaluation = record(
  {
    value: anyJson,
    source: { enum: ['raw', 'rule', 'rollout', 'default'] },
    matchedRuleId: text,
    rolloutBucket: { type: 'number' },
  },
  ['matchedRuleId', 'rolloutBucket'],
);

const authClient = {
  id: text,
  clientId: text,
  organizationId: text,
  type: { enum: ['m2m', 'b2m'] },
  name: text,
  environments: { type: ['array', 'null'], items: text },
  scopes: listOf({ enum: SCOPES }),
  allowedOrigins: listOf(text),
  createdAt: time,
  revokedAt: { ...time, type: ['string', 'null'] },
};

const ofrepEvaluation = record(
  {
    key: text,
    reason: { enum: ['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT'] },
    value: anyJson,
    variant: text,
    metadata: mapOf({ type: ['string', 'number'] }),
  },
  ['value', 'variant'],
);

const metadata = {
  issuer: text,
  token_endpoint: text,
  revocation_endpoint: text,
  jwks_uri: text,
  scopes_supported: listOf(text),
  response_types_supported: listOf(text),
  grant_types_supported: listOf(text),
  token_endpoint_auth_methods_supported: listOf(text),
  revocation_endpoint_auth_methods_supported: listOf(text),
};

/** The bodies of the API, by their names in `/openapi.json`. */
export const apiSchemas: Readonly<Record<string, ApiSchema>> = {
  Error: record({ message: text, cause: text }, ['cause']),
  Conflict: record(
    {
      message: text,
      cause: text,
      values: listOf(record({ key: text, environment: text, reason: text })),
      environments: listOf(text),
      usedBy: listOf(text),
      keys: listOf(text),
      schemaId: text,
    },
    ['cause', 'values', 'environments', 'usedBy', 'keys', 'schemaId'],
  ),
  /** The version that is there, unless the value is gone. */
  PreconditionFailed: record(
    { message: text, version: text, updatedBy: text, updatedByName: text, updatedAt: time },
    ['version', 'updatedBy', 'updatedByName', 'updatedAt'],
  ),
  OAuthError: record({ error: text, error_description: text, message: text }, ['error_description']),
  OfrepError: record({ key: text, errorCode: text, errorDetails: text }, ['key', 'errorCode']),
  StoredValue: record({
    id: text,
    organizationId: text,
    schemaId: text,
    environmentId: text,
    key: text,
    value: anyJson,
    tier: { enum: TIER_NAMES },
    updatedBy: text,
    createdAt: time,
    updatedAt: time,
  }),
  Schema: record({
    id: text,
    organizationId: text,
    name: text,
    description: nullableText,
    currentVersion: { type: 'integer' },
    jsonSchema: { type: 'object' },
    createdBy: text,
    createdAt: time,
    updatedAt: time,
  }),
  Environment: record({
    id: text,
    organizationId: text,
    name: { type: 'string', pattern: ENVIRONMENT_NAME },
    description: nullableText,
    fallbackEnvironmentId: nullableText,
    createdAt: time,
    updatedAt: time,
  }),
  Segment: record({
    organizationId: text,
    environmentId: text,
    name: text,
    condition: { type: 'object' },
    description: nullableText,
    updatedBy: text,
    createdAt: time,
    updatedAt: time,
  }),
  AuthClient: record(authClient),
  CreatedAuthClient: record(
    {
      ...authClient,
      // As it was sent.
      type: { enum: ['m2m', 'b2m', 'machine-to-machine', 'browser-to-machine'] },
      expiresAt: { type: 'null' },
      clientSecret: text,
      secretKey: text,
      publishableKey: text,
      publicKey: text,
    },
    ['clientSecret', 'secretKey', 'publishableKey', 'publicKey'],
  ),
  Evaluation: evaluation,
  Snapshot: record({
    revision: text,
    public: mapOf(anyJson),
    flags: mapOf(evaluation),
    limits: mapOf(evaluation),
  }),
  Ruleset: record({
    revision: text,
    epoch: text,
    environment: text,
    public: mapOf(anyJson),
    secret: mapOf(anyJson),
    flags: mapOf(anyJson),
    limits: mapOf(anyJson),
    segments: mapOf({ type: 'object' }),
  }),
  OfrepEvaluation: ofrepEvaluation,
  OfrepEvaluations: record(
    {
      flags: listOf(ofrepEvaluation),
      eventStreams: listOf(
        record({
          type: { const: 'sse' },
          endpoint: record({ requestUri: text }),
          inactivityDelaySec: { type: 'integer' },
        }),
      ),
      metadata: mapOf(text),
    },
    ['eventStreams'],
  ),
  Token: record({
    access_token: text,
    token_type: { const: 'Bearer' },
    expires_in: { type: 'integer' },
    scope: text,
  }),
  AuthorizationServer: record(metadata),
  OpenidConfiguration: record({
    ...metadata,
    subject_types_supported: listOf(text),
    id_token_signing_alg_values_supported: listOf(text),
  }),
  Jwks: record({ keys: listOf({ type: 'object' }) }),
  Health: record(
    {
      status: { enum: ['ok', 'degraded', 'unavailable'] },
      message: text,
      database: record({ connected: { type: 'boolean' }, lagMs: { type: 'integer' } }),
    },
    ['message', 'database'],
  ),
  Index: record({
    name: text,
    message: text,
    health: text,
    readiness: text,
    issuer: text,
    openapi: text,
    docs: text,
  }),
};

/** For a write that honours If-Match and If-None-Match. */
export const preconditionFailed: Readonly<Record<number, ApiSchema>> = {
  412: json('If-Match or If-None-Match does not hold', ref('PreconditionFailed')),
};

/** What any write can meet: a conflict with the stored data, too many waiting checks, a full disk. */
export const writeRefusals: Readonly<Record<number, ApiSchema>> = {
  409: json('The stored data does not allow it', ref('Conflict')),
  429: json('Too many writes of this client wait for a check', ref('Error')),
  507: json('The disk of the database is full', ref('Error')),
};
