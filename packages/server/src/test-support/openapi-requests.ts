import type { JsonValue } from '@smooai/config';
import fc from 'fast-check';
import { anySchema, anyValue } from './arbitrary-schema.ts';
import type { OpenapiSchema, Operation } from './openapi-document.ts';
import { shopDocument } from './shop-server.ts';

/** Who sends a request. */
export type Caller = 'admin' | 'reader' | 'page' | 'pageInUrl' | 'stranger' | 'malformed';

/** A request to an operation. Texts that {@link known} has made stand for what exists when it is sent. */
export interface GeneratedRequest {
  readonly operation: Operation;
  readonly caller: Caller;
  readonly path: Readonly<Record<string, JsonValue>>;
  readonly query: Readonly<Record<string, JsonValue>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: GeneratedBody;
}

export type GeneratedBody =
  | { readonly kind: 'document'; readonly value: JsonValue }
  | { readonly kind: 'raw'; readonly type: string; readonly text: string }
  | { readonly kind: 'none' };

const KNOWN = '\u0001known:';

/** A text that stands for one of the things of that kind that exist. */
function known(kind: string): fc.Arbitrary<string> {
  return fc.nat({ max: 50 }).map((index) => `${KNOWN}${kind}:${index}`);
}

/** Replaces what {@link known} has made by what exists. */
export function resolveKnown(
  value: JsonValue,
  pools: Readonly<Record<string, readonly string[]>>,
): JsonValue {
  if (typeof value === 'string') {
    if (!value.startsWith(KNOWN)) return value;
    const [kind = '', index] = value.slice(KNOWN.length).split(':');
    const pool = pools[kind] ?? [];
    return pool[Number(index) % pool.length] ?? 'none';
  }
  if (Array.isArray(value)) return value.map((item) => resolveKnown(item, pools));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolveKnown(item, pools)]));
}

const word = fc.stringMatching(/^[a-z0-9]{1,20}$/);
const everyone = { all: [] };
const context = fc.constantFrom<JsonValue>({}, { userId: 'u1' }, { targetingKey: 'u2', plan: 'pro', age: 7 });

/** Fields whose schema does not say all that the server requires. */
const fields: Readonly<Record<string, fc.Arbitrary<JsonValue>>> = {
  org: known('organization'),
  environment: known('environment'),
  'X-Config-Environment': known('environment'),
  environments: fc.oneof(fc.constant(null), fc.array(known('environment'), { maxLength: 2 })),
  environmentId: known('environmentId'),
  fallbackEnvironmentId: fc.oneof(fc.constant(null), known('environmentId')),
  schemaId: known('schemaId'),
  key: known('key'),
  keys: fc.array(known('key'), { maxLength: 4 }),
  name: fc.oneof(word, known('name')),
  condition: fc.constantFrom<JsonValue>(
    everyone,
    { attribute: 'plan', op: 'in', values: ['pro'] },
    { not: everyone },
  ),
  context,
  value: fc.oneof(
    fc.constantFrom<JsonValue>(true, 'dark', 7, { $cohort: { rules: [], defaultValue: false } }),
    anyValue,
  ),
  jsonSchema: fc.oneof(
    { weight: 3, arbitrary: fc.constant(shopDocument() as unknown as JsonValue) },
    {
      weight: 1,
      arbitrary: anySchema.map((schema) => ({
        type: 'object',
        properties: { featureFlagSchema: { type: 'object', properties: { theme: schema } } },
      })),
    },
  ),
  allowedOrigins: fc.constantFrom<JsonValue>([], ['https://shop.test']),
  client_id: known('clientId'),
  client_secret: known('clientSecret'),
  token: known('token'),
  scope: fc.constantFrom('config:read', 'config:read config:write', 'config:none', ''),
};

const encodedContext = context.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));

/** A field of an operation that needs more than its schema says. */
function specialValues(operation: string, name: string): fc.Arbitrary<JsonValue> | undefined {
  if (name === 'id') {
    if (operation.includes('/schemas/{id}')) return known('schemaId');
    return known(operation.includes('/environments/{id}') ? 'environmentId' : 'authClientId');
  }
  if (name === 'key' && operation.endsWith('/values/{key}')) return fc.oneof(known('key'), known('valueId'));
  if (name === 'environment' && operation.includes('/environments/{environment}'))
    return known('environmentId');
  if (name === 'context' && operation.endsWith('/snapshot/stream')) return encodedContext;
  return fields[name];
}

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    '..',
    '%',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    'x'.repeat(600),
    '{}',
    "'; --",
    'true',
  ),
);

/** Any JSON that the schema allows, as far as the generator knows its keywords, and sometimes another one. */
function valuesOf(schema: OpenapiSchema, operation: string, name?: string): fc.Arbitrary<JsonValue> {
  return fc.oneof(
    { weight: 15, arbitrary: validValues(schema, operation, name) },
    { weight: 1, arbitrary: fc.oneof(anyValue, hostileText) },
  );
}

function validValues(schema: OpenapiSchema, operation: string, name?: string): fc.Arbitrary<JsonValue> {
  const special = name === undefined ? undefined : specialValues(operation, name);
  if (special !== undefined) return special;
  if (typeof schema === 'boolean') return anyValue;
  if ('const' in schema) return fc.constant(schema.const as JsonValue);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as JsonValue[]));
  const types = [schema.type ?? []].flat() as string[];
  if (types.length === 0) return anyValue;
  return fc.oneof(...types.map((type) => valuesOfType(type, schema, operation)));
}

function valuesOfType(
  type: string,
  schema: Readonly<Record<string, unknown>>,
  operation: string,
): fc.Arbitrary<JsonValue> {
  if (type === 'null') return fc.constant(null);
  if (type === 'boolean') return fc.boolean();
  if (type === 'number' || type === 'integer') return fc.integer();
  if (type === 'string') return word;
  if (type === 'array') {
    const items = valuesOf((schema.items ?? true) as OpenapiSchema, operation);
    return fc.array(items, { maxLength: Math.min(3, Number(schema.maxItems ?? 3)) });
  }
  const properties = Object.entries((schema.properties ?? {}) as Record<string, OpenapiSchema>)
    // `false` allows no value.
    .filter(([, property]) => property !== false)
    .map(([name, property]) => [name, valuesOf(property, operation, name)] as const);
  const required = (schema.required ?? []) as string[];
  const known = Object.fromEntries(properties);
  const complete = fc.record(known, { requiredKeys: required.filter((name) => name in known) });
  return fc.oneof(
    { weight: 12, arbitrary: complete },
    { weight: 1, arbitrary: fc.record(known, { requiredKeys: [] }) },
    { weight: 1, arbitrary: complete.map((value) => ({ ...value, unknownField: 1 })) },
  ) as fc.Arbitrary<JsonValue>;
}

function parametersOf(operation: Operation, place: string): fc.Arbitrary<Record<string, JsonValue>> {
  const label = `${operation.method} ${operation.path}`;
  // Conditions would make most writes fail: they are among the extra headers.
  const parameters = (operation.parameters ?? []).filter(
    (parameter) => parameter.in === place && !parameter.name.startsWith('If-'),
  );
  const values = Object.fromEntries(
    parameters.map(({ name, schema }) => [name, valuesOf(schema, label, name)] as const),
  );
  const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name);
  if (place === 'path') return fc.record(values);
  return fc.oneof(
    { weight: 12, arbitrary: fc.record(values, { requiredKeys }) },
    { weight: 1, arbitrary: fc.record(values, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.record({ ...values, also: hostileText } as typeof values, { requiredKeys }) },
  ) as fc.Arbitrary<Record<string, JsonValue>>;
}

function bodiesOf({ requestBody, method, path }: Operation): fc.Arbitrary<GeneratedBody> {
  const none = fc.constant<GeneratedBody>({ kind: 'none' });
  const [entry] = Object.entries(requestBody?.content ?? {});
  const rawText = fc.oneof(
    hostileText,
    fc.constantFrom('{', '[]', 'null', '{"__proto__":1}', '"\\ud800"', 'a=1&a=2'),
  );
  const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', entry?.[0] ?? '', ''];
  const raw = fc.record({
    kind: fc.constant('raw' as const),
    type: fc.constantFrom(...types),
    text: rawText,
  });
  if (entry === undefined) {
    return fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: raw });
  }
  const document = fc.record({
    kind: fc.constant('document' as const),
    value: valuesOf(entry[1].schema, `${method} ${path}`),
  });
  return fc.oneof(
    { weight: 20, arbitrary: document },
    { weight: 2, arbitrary: raw },
    { weight: 1, arbitrary: none },
  );
}

const callers: readonly { weight: number; arbitrary: fc.Arbitrary<Caller> }[] = [
  { weight: 14, arbitrary: fc.constant('admin') },
  { weight: 3, arbitrary: fc.constantFrom('reader', 'page', 'pageInUrl') },
  { weight: 1, arbitrary: fc.constantFrom('stranger', 'malformed') },
];

const extraHeaders = fc.record(
  {
    'if-match': fc.constantFrom('*', '"1"', 'W/"3"', '"'),
    'if-none-match': fc.constantFrom('"1"', '*', 'W/"3"', '"', '"99999999999999999999"'),
    'last-event-id': fc.constantFrom('1', '0', '-1', 'x', '999999999999999'),
    origin: fc.constantFrom('https://shop.test', 'null', 'x'),
  },
  { requiredKeys: [] },
);

/** Requests to an operation, most of them as its description says, and some wrong in one part. */
export function requestsOf(operation: Operation): fc.Arbitrary<GeneratedRequest> {
  return fc.record({
    // Short in the message of a failure.
    operation: fc.constant({ ...operation, [fc.toStringMethod]: () => operation.operationId }),
    caller: fc.oneof(...callers),
    path: parametersOf(operation, 'path'),
    query: parametersOf(operation, 'query'),
    headers: fc
      .tuple(parametersOf(operation, 'header'), fc.oneof(fc.constant({}), extraHeaders))
      .map(([own, extra]) => ({ ...(own as Record<string, string>), ...extra })),
    body: bodiesOf(operation),
  });
}
