import type { FastifyRequest } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import type { Principal } from '../principal.ts';

/** The base path of an organization's config API. */
export const CONFIG_PATH = '/organizations/:org/config';

/** The query of a request about one environment. */
export interface EnvironmentQuery {
  environment: string;
}

/** {@link EnvironmentQuery} with the epoch of the ruleset that the client has. */
export interface RulesetQuery extends EnvironmentQuery {
  epoch?: string;
}

/** The JSON Schema of a part of a request. */
export interface RequestSchema {
  readonly [keyword: string]: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

const environment = { type: 'string', minLength: 1 };
const force = { enum: ['true', 'false'] };

/** `?environment=NAME` */
export const environmentQuery: RequestSchema = {
  type: 'object',
  required: ['environment'],
  properties: { environment },
};

/** `?environment=NAME&epoch=EPOCH` */
export const rulesetQuery: RequestSchema = {
  type: 'object',
  required: ['environment'],
  properties: { environment, epoch: { type: 'string', maxLength: 200 } },
};

/** `?environment=NAME`, which may be left out. */
export const optionalEnvironmentQuery: RequestSchema = { type: 'object', properties: { environment } };

/** `?environment=NAME&force=true`, both of which may be left out. */
export const optionalDeletionQuery: RequestSchema = { type: 'object', properties: { environment, force } };

/** `?force=true` */
export const forceQuery: RequestSchema = { type: 'object', properties: { force } };

/** A description; null removes it. */
export const descriptionField: Readonly<Record<string, unknown>> = {
  type: 'string',
  maxLength: 2_000,
  // Databases cannot store NUL or half a surrogate pair in a text.
  pattern: '^[^\\u0000\\p{Cs}]*$',
  description: 'text without NUL characters and lone surrogates',
  nullable: true,
};

/** A name for people. */
export const nameField: Readonly<Record<string, unknown>> = {
  type: 'string',
  minLength: 1,
  maxLength: 100,
  pattern: '^(?=.*\\S)[^\\p{Cc}\\p{Cs}]+$',
  description: 'one line of text that is not blank',
};

/** `{ environment, context? }`; the context defaults to an empty one. */
export const evaluationBody: RequestSchema = {
  type: 'object',
  required: ['environment'],
  properties: { environment, context: { type: 'object' } },
};

/** The caller, as the guard has authenticated it. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Refusal('unauthenticated', 'A bearer token is required.');
  return request.principal;
}

/** The revision of the last event that a client has seen; undefined if there is none, or if it is not one of our revisions. */
export function lastEventId(request: Pick<FastifyRequest, 'headers'>): number | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
