import type { FastifyServerOptions } from 'fastify';
import { fieldName } from '../lib/field-name.ts';
import { HttpError } from './http-error.ts';

/** The parts of a Fastify validation error that its message is built from. */
export interface ValidationIssue {
  keyword: string;
  instancePath: string;
  params: Record<string, unknown>;
  message?: string;
  /** The schema that contains the keyword. */
  parentSchema?: Readonly<Record<string, unknown>>;
}

/**
 * Requests are checked as they are: no value is coerced or removed, and only the first error is reported. A query is
 * text, so a route declares numbers and booleans as strings (`{ enum: ['true', 'false'] }`). The `description` beside a
 * `pattern` describes it in the error message.
 */
export const requestAjvOptions: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    verbose: true,
    allErrors: false,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
  },
};

/** The 400 for a request that its JSON Schema refuses. The message names the field and never shows its value. */
export function requestValidationError(issues: readonly ValidationIssue[], part: string): HttpError {
  const issue = issues[0];
  if (!issue) return new HttpError(400, `The ${part} is not valid.`);
  return new HttpError(400, messageOf(issue, part));
}

function messageOf(issue: ValidationIssue, part: string): string {
  const place = wording(part);
  const name = fieldName(issue.instancePath, '');
  const inside = (field: unknown) => `${name === '' ? '' : `${name}.`}${String(field)}`;
  const subject = name === '' ? `The ${place.whole}` : `${place.one} "${name}"`;
  switch (issue.keyword) {
    case 'required':
      return `${place.one} "${inside(issue.params.missingProperty)}" is required.`;
    case 'additionalProperties':
      return `${place.one} "${inside(issue.params.additionalProperty)}" is unknown.`;
    case 'type':
      return `${subject} must be ${typeName(issue.params.type)}.`;
    case 'enum':
      return `${subject} must be one of ${list(issue.params.allowedValues)}.`;
    case 'const':
      return `${subject} must be ${JSON.stringify(issue.params.allowedValue)}.`;
    case 'pattern':
      return `${subject} must ${patternWords(issue)}.`;
    case 'minLength':
      return issue.params.limit === 1
        ? `${subject} must not be empty.`
        : `${subject} must have at least ${String(issue.params.limit)} characters.`;
    case 'maxLength':
      return `${subject} must have at most ${String(issue.params.limit)} characters.`;
    default:
      return `${subject} ${issue.message ?? 'is not valid'}.`;
  }
}

/** Prefers the `description` beside a pattern to the pattern itself. */
function patternWords({ parentSchema, params }: ValidationIssue): string {
  const words = parentSchema?.description;
  return typeof words === 'string' ? `be ${words}` : `match ${String(params.pattern)}`;
}

function wording(part: string): { one: string; whole: string } {
  if (part === 'querystring') return { one: 'Query parameter', whole: 'query' };
  if (part === 'params') return { one: 'Path parameter', whole: 'path' };
  if (part === 'headers') return { one: 'Header', whole: 'headers' };
  return { one: 'Field', whole: 'body' };
}

function typeName(type: unknown): string {
  const names = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return names
    .map((name) => (/^[aeiou]/.test(name) ? `an ${name}` : name === 'null' ? name : `a ${name}`))
    .join(' or ');
}

function list(values: unknown): string {
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)).join(', ') : String(values);
}
