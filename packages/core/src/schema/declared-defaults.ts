import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isRecord } from '../lib/record.ts';
import { hasJsonSchema } from './standard-schema.ts';

/**
 * The defaults that a zod or valibot schema declares, at any depth. They are read from the schema's description, so no
 * validator runs; a function that makes a default is called once. Other libraries do not describe theirs.
 */
export function declaredDefaults(validator: StandardSchemaV1): unknown[] {
  const { vendor } = validator['~standard'];
  if (vendor === 'valibot' && !('kind' in validator)) return defaultsInJsonSchema(validator);
  const read = vendor === 'zod' ? readZod : vendor === 'valibot' ? readValibot : undefined;
  if (read === undefined) return [];
  const found: unknown[] = [];
  // A set's iteration includes the schemas that are added meanwhile.
  const seen = new Set<object>([validator]);
  for (const schema of seen) {
    const { defaults, inner } = read(schema);
    for (const makeDefault of defaults) {
      try {
        found.push(makeDefault());
      } catch {
        // The function that makes the default needs something that is not there yet.
      }
    }
    for (const next of inner) seen.add(next);
  }
  return found;
}

interface Description {
  defaults: (() => unknown)[];
  /** Schemas inside it. */
  inner: object[];
}

/** The properties of a zod definition that hold schemas. Others may be getters that run the user's code. */
const ZOD_INNER = [
  'innerType',
  'in',
  'out',
  'element',
  'shape',
  'catchall',
  'items',
  'rest',
  'options',
  'keyType',
  'valueType',
  'left',
  'right',
] as const;

interface ZodDefinition extends Partial<Record<(typeof ZOD_INNER)[number], unknown>> {
  type?: unknown;
  defaultValue?: unknown;
  catchValue?: ((context: undefined) => unknown) & { '~constantCatch'?: boolean };
}

function readZod(schema: object): Description {
  const { def } = (schema as { _zod: { def: ZodDefinition } })._zod;
  const { type, catchValue } = def;
  const defaults: (() => unknown)[] = [];
  if (type === 'default' || type === 'prefault') defaults.push(() => def.defaultValue);
  if (catchValue?.['~constantCatch'] === true) defaults.push(() => catchValue(undefined));
  const isSchema = (value: object): boolean => '_zod' in value;
  return { defaults, inner: ZOD_INNER.flatMap((name) => schemasIn(def[name], isSchema)) };
}

const VALIBOT_INNER = ['pipe', 'wrapped', 'entries', 'item', 'items', 'rest', 'options', 'key', 'value'];

function readValibot(schema: object): Description {
  const described = schema as Record<string, unknown>;
  const defaults = ['default', 'fallback']
    .map((name) => described[name])
    .map((value) => () => (typeof value === 'function' ? (value as () => unknown)() : value));
  const isSchema = (value: object): boolean => 'kind' in value && value.kind === 'schema';
  return { defaults, inner: VALIBOT_INNER.flatMap((name) => schemasIn(described[name], isSchema)) };
}

/** A schema, or those of a list or record. */
function schemasIn(value: unknown, isSchema: (value: object) => boolean): object[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isSchema(value)) return [value];
  return Object.values(value).filter(
    (member): member is object => typeof member === 'object' && member !== null && isSchema(member),
  );
}

/** `toStandardJsonSchema` of valibot hides the schema, but not its JSON Schema, in which defaults stay as they are. */
function defaultsInJsonSchema(validator: StandardSchemaV1): unknown[] {
  if (!hasJsonSchema(validator)) return [];
  const found: unknown[] = [];
  try {
    const options = { target: 'draft-2020-12', libraryOptions: { errorMode: 'ignore' } } as const;
    const seen = new Set<unknown>([validator['~standard'].jsonSchema.input(options)]);
    for (const schema of seen) {
      if (Array.isArray(schema)) for (const item of schema) seen.add(item);
      if (!isRecord(schema)) continue;
      const { default: fallback, ...keywords } = schema;
      found.push(fallback);
      for (const keyword of Object.values(keywords)) seen.add(keyword);
    }
  } catch {
    // `toJsonSchema` reports a schema that cannot be converted.
  }
  return found;
}
