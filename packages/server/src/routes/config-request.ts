import type { FastifyRequest } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import type { Principal } from '../principal.ts';

/** Where the config API of an organization lies. */
export const CONFIG_PATH = '/organizations/:org/config';

/** The query of what happens in one environment. */
export interface EnvironmentQuery {
  environment: string;
}

/** {@link EnvironmentQuery} of a client that has a ruleset, with the epoch of it. */
export interface RulesetQuery extends EnvironmentQuery {
  epoch?: string;
}

/** A JSON Schema of a part of a request. */
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

/** `?environment=NAME&force=true` */
export const deletionQuery: RequestSchema = {
  type: 'object',
  required: ['environment'],
  properties: { environment, force },
};

/** `?force=true` */
export const forceQuery: RequestSchema = { type: 'object', properties: { force } };

/** A description; null takes it away. */
export const descriptionField: Readonly<Record<string, unknown>> = {
  type: 'string',
  maxLength: 2_000,
  // Databases keep no NUL in a text, nor half a character.
  pattern: '^[^\\u0000\\p{Cs}]*$',
  description: 'text without NUL and without half characters',
  nullable: true,
};

/** A name that people read. */
export const nameField: Readonly<Record<string, unknown>> = {
  type: 'string',
  minLength: 1,
  maxLength: 100,
  pattern: '^(?=.*\\S)[^\\p{Cc}\\p{Cs}]+$',
  description: 'one line of text that is not blank',
};

/** `{ environment, context }`; an empty context may be left out. */
export const evaluationBody: RequestSchema = {
  type: 'object',
  required: ['environment'],
  properties: { environment, context: { type: 'object' } },
};

/** The caller, whom the guard has let in. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Refusal('unauthenticated', 'A bearer token is required.');
  return request.principal;
}
