import type { StandardSchemaV1 } from '@standard-schema/spec';
import { frozenCopy } from '../lib/frozen-copy.ts';
import type { JsonSchema } from '../wire.ts';
import { noteBrowserValue } from './browser-value.ts';
import type { KeyDefinition } from './config-types.ts';
import { inputJsonSchemaIfAny } from './json-schema-input.ts';
import { validateSync } from './standard-schema.ts';
import { declaresProperty } from './subschemas.ts';

/** The result of {@link parseValue}. */
export type ParseResult = { ok: true; value: unknown } | { ok: false; issues: string[] };

/**
 * Parses a value with its key's validator; `undefined` means that nothing is stored. Never throws. The result is a frozen
 * copy, see {@link frozenCopy}. Each issue names the path and the reason. A secret's issues leave out the validator's own
 * message, which may quote the value.
 */
export function parseValue(definition: KeyDefinition, value: unknown): ParseResult {
  const { validator, tier } = definition;
  if (validator === undefined) return { ok: true, value };
  const result = validateSync(validator, value);
  // The thrown error may quote the value, so it is not repeated here.
  if (result === 'threw') return { ok: false, issues: ['its validator threw an error'] };
  if (result === 'asynchronous') {
    return { ok: false, issues: ['its validator is asynchronous; use a synchronous one'] };
  }
  if (result.issues === undefined) {
    // A copy, since the validator may return an object of the program, such as a default.
    const parsed = frozenCopy(result.value);
    noteBrowserValue(definition, parsed, value);
    return { ok: true, value: parsed };
  }
  if (tier !== 'secret') return { ok: false, issues: result.issues.map(describeIssue) };
  const schema = inputJsonSchemaIfAny(validator);
  return { ok: false, issues: result.issues.map((issue) => describeSecretIssue(issue, schema)) };
}

function describeIssue(issue: StandardSchemaV1.Issue): string {
  return at(pathOf(issue).map(String), issue.message);
}

/** A name that the schema does not declare, such as a record's, is part of the secret. */
function describeSecretIssue(issue: StandardSchemaV1.Issue, schema: JsonSchema | undefined): string {
  const isDeclared = (name: PropertyKey): boolean =>
    typeof name === 'number' || (schema !== undefined && declaresProperty(schema, String(name)));
  const path = pathOf(issue).map((name) => (isDeclared(name) ? String(name) : '*'));
  return at(path, 'does not match its schema');
}

function pathOf(issue: StandardSchemaV1.Issue): PropertyKey[] {
  return (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
}

function at(path: readonly string[], reason: string): string {
  return path.length === 0 ? reason : `at "${path.join('.')}": ${reason}`;
}
