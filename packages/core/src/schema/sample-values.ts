import type { JsonSchema, JsonValue } from '../wire.ts';

const MOST_SAMPLES = 16;
const DEEPEST = 6;

const BY_FORMAT: Readonly<Record<string, string>> = {
  uri: 'https://example.com',
  email: 'a@example.com',
  uuid: '0b1f0a3e-6c1d-4c6e-9d0a-2f7a1f1c9d3e',
  date: '2026-01-01',
  time: '00:00:00',
  'date-time': '2026-01-01T00:00:00Z',
  duration: 'P1D',
  ipv4: '127.0.0.1',
  ipv6: '::1',
  hostname: 'example.com',
};

/**
 * Some values that a JSON Schema allows: one for each option of a union or enumeration, at most 16. A `pattern`, a
 * reference and what lies deeper than six levels are not followed.
 */
export function sampleValues(schema: unknown, depth = 0): JsonValue[] {
  if (!isSchema(schema) || depth > DEEPEST) return [];
  if (schema.const !== undefined) return [schema.const];
  if (Array.isArray(schema.enum)) return schema.enum.slice(0, MOST_SAMPLES);
  const options = [schema.anyOf, schema.oneOf].filter(Array.isArray).flat();
  const samples = options.flatMap((option) => sampleValues(option, depth + 1));
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  samples.push(...types.flatMap((type) => samplesOfType(type, schema, depth)));
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map((part) => sampleValues(part, depth + 1)[0]);
    if (parts.length > 0 && parts.every(isSchema)) samples.push(Object.assign({}, ...parts));
  }
  return samples.slice(0, MOST_SAMPLES);
}

function samplesOfType(type: JsonValue | undefined, schema: JsonSchema, depth: number): JsonValue[] {
  switch (type) {
    case 'object':
      return sampleObjects(schema, depth);
    case 'array':
      return sampleArrays(schema, depth);
    case 'string':
      return [sampleString(schema)];
    case 'number':
    case 'integer':
      return [sampleNumber(schema)];
    case 'boolean':
      return [true, false];
    case 'null':
      return [null];
    default:
      return [];
  }
}

function sampleObjects(schema: JsonSchema, depth: number): JsonValue[] {
  const samples = Object.entries(isSchema(schema.properties) ? schema.properties : {}).map(
    ([key, property]): [string, JsonValue[]] => [key, sampleValues(property, depth + 1)],
  );
  const extra = sampleValues(schema.additionalProperties, depth + 1);
  if (extra.length > 0) samples.push(['a', extra]);
  const count = Math.max(1, ...samples.map(([, values]) => values.length));
  return Array.from({ length: count }, (_, index) =>
    Object.fromEntries(
      samples.flatMap(([key, values]) => {
        const value = values[index % values.length];
        return value === undefined ? [] : [[key, value]];
      }),
    ),
  );
}

function sampleArrays(schema: JsonSchema, depth: number): JsonValue[] {
  if (Array.isArray(schema.prefixItems)) {
    return [schema.prefixItems.flatMap((item) => sampleValues(item, depth + 1).slice(0, 1))];
  }
  const length = Math.min(
    typeof schema.minItems === 'number' ? Math.max(1, schema.minItems) : 1,
    MOST_SAMPLES,
  );
  return sampleValues(schema.items, depth + 1).map((item) => Array.from({ length }, () => item));
}

function sampleString(schema: JsonSchema): string {
  const known = typeof schema.format === 'string' ? BY_FORMAT[schema.format] : undefined;
  const length = typeof schema.minLength === 'number' ? Math.min(schema.minLength, 10_000) : 1;
  return known ?? 'a'.repeat(Math.max(1, length));
}

function sampleNumber(schema: JsonSchema): number {
  if (typeof schema.minimum === 'number') return schema.minimum;
  if (typeof schema.exclusiveMinimum === 'number') return schema.exclusiveMinimum + 1;
  if (typeof schema.maximum === 'number') return schema.maximum;
  return typeof schema.multipleOf === 'number' ? schema.multipleOf : 1;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
