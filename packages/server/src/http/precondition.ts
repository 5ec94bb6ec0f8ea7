import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Precondition } from '../domain/precondition.ts';
import { Refusal } from '../domain/refusal.ts';

const STRONG_TAG = /^"([\x21\x23-\x7e\x80-\xff]*)"$/;
const WEAK_TAG = /^W\/"[\x21\x23-\x7e\x80-\xff]*"$/;
const MAX_TAGS = 20;

/** Sends a version as entity tag, unless the caller may not know it. */
export function addEtag(reply: FastifyReply, version: string | undefined): void {
  if (version !== undefined) void reply.header('etag', `"${version}"`);
}

/**
 * The precondition of a write (RFC 9110 §13.1.1 and §13.1.2): `If-Match` with tags or `*`, and `If-None-Match: *`.
 * Undefined if the request has neither.
 * @throws {Refusal} `invalid` for anything else: a condition that is not understood must not be ignored
 */
export function preconditionOf({ headers }: Pick<FastifyRequest, 'headers'>): Precondition | undefined {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') {
    throw new Refusal(
      'invalid',
      'Header "If-None-Match" of a write must be *: create it, do not replace one.',
    );
  }
  const isNew = ifNoneMatch !== undefined;
  if (ifMatch === undefined) return isNew ? { isNew } : undefined;
  return { isNew, ifMatch: ifMatch.trim() === '*' ? 'any' : versionsIn(ifMatch) };
}

/** @throws {Refusal} `invalid` if the request has a condition, which its endpoint does not support */
export function refusePrecondition({ headers }: Pick<FastifyRequest, 'headers'>): void {
  if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return;
  throw new Refusal(
    'invalid',
    'If-Match and If-None-Match are supported for single values only: send each value with PUT …/values.',
  );
}

/** A weak tag never matches, since the comparison is the strong one. */
function versionsIn(header: string): string[] {
  const tags = header.split(',').map((tag) => tag.trim());
  if (tags.length > MAX_TAGS || !tags.every((tag) => STRONG_TAG.test(tag) || WEAK_TAG.test(tag))) {
    throw new Refusal(
      'invalid',
      `Header "If-Match" must be *, or at most ${MAX_TAGS} entity tags in double quotes, such as the ETag of a read.`,
    );
  }
  return tags.flatMap((tag) => STRONG_TAG.exec(tag)?.[1] ?? []);
}
