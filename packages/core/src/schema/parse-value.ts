import type { StandardSchemaV1 } from '@standard-schema/spec';
import { noteBrowserValue } from './browser-value.ts';
import type { KeyDefinition } from './config-types.ts';
import { declaresName, validateNow } from './standard-schema.ts';

/** What {@link parseValue} answers. */
export type ParseResult = { ok: true; value: unknown } | { ok: false; issues: string[] };

/**
 * Runs a value (or `undefined` for "nothing stored") through its key's validator. Never throws; the issues name the
 * path and reason, and for a secret leave the validator's words out, since they may quote the value.
 */
export function parseValue(definition: KeyDefinition, value: unknown): ParseResult {
  if (definition.validator === undefined) {
    return { ok: true, value };
  }
  const result = validateNow(definition.validator, value);
  // The thrown error may quote the value, so it is not repeated here.
  if (result === 'threw') return { ok: false, issues: ['its validator threw an error'] };
  if (result === 'asynchronous') {
    return { ok: false, issues: ['its validator is asynchronous; use a synchronous one'] };
  }
  if (result.issues === undefined) {
    noteBrowserValue(definition, result.value, value);
    return { ok: true, value: result.value };
  }
  return { ok: false, issues: result.issues.map((issue) => describeIssue(issue, definition)) };
}

function describeIssue(issue: StandardSchemaV1.Issue, { tier, validator }: KeyDefinition): string {
  const names = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
  // A name that the schema does not declare, as in a record, is part of the secret.
  const isTold = (name: PropertyKey): boolean =>
    tier !== 'secret' ||
    typeof name === 'number' ||
    (validator !== undefined && declaresName(validator, name));
  const path = names.map((name) => (isTold(name) ? String(name) : '*')).join('.');
  const reason = tier === 'secret' ? 'is not what its schema asks for' : issue.message;
  return path === '' ? reason : `at "${path}": ${reason}`;
}
