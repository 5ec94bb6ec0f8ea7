import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { accessRuleOf } from '../auth/authentication.ts';
import { type AccessRule, SCOPES } from '../principal.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

interface DescribedSchema extends FastifySchema {
  response?: Record<string, JsonSchema>;
}

const DESCRIPTION =
  'The HTTP API of a config server. Besides what is listed, every request can get 408 and 431 (it takes too long to ' +
  'arrive, its headers are too large), 417, 501 and 505 (parts of HTTP that the server does not support).';

const COMMON: Readonly<Record<number, string>> = {
  400: 'A part of the request is missing or malformed',
  401: 'No credential, or one that is malformed, expired or revoked',
  403: 'The credential does not allow this',
  404: 'Something that the path or the request names does not exist',
  413: 'The body is too large',
  414: 'A part of the path is too long',
  415: 'The content type or encoding of the body is not supported',
  429: 'Too many requests or open streams of this publishable key from one address',
  500: 'The server failed; the reason is in its log',
  503: 'The server is starting, closing or overloaded, or its storage does not respond',
};

const securitySchemes = {
  accessToken: {
    type: 'oauth2',
    description: 'An access token of a machine client, as a bearer token.',
    flows: {
      clientCredentials: {
        tokenUrl: '/token',
        scopes: Object.fromEntries(SCOPES.map((scope) => [scope, `The scope ${scope}`])),
      },
    },
  },
  publishableKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'A publishable key as a bearer token. The request needs an Origin that the key allows.',
  },
  publishableKeyInUrl: {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'The same in the URL, for an EventSource.',
  },
  ofrepApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'An access token or a publishable key, as providers of OFREP send it.',
  },
} as const;

/**
 * Collects the schemas of the routes that are registered after it. `app.swagger()` returns the OpenAPI document once the
 * app is ready. The schemas of responses only describe: bodies are sent as they are.
 * @param schemas the bodies that routes refer to, by name
 */
export async function registerOpenapi(
  app: FastifyInstance,
  schemas: Readonly<Record<string, JsonSchema>>,
  version: string,
): Promise<void> {
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  for (const [name, schema] of Object.entries(schemas)) app.addSchema({ $id: name, ...schema });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'smooai-config server',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: { securitySchemes },
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: ({ $id }) => (typeof $id === 'string' ? $id : 'unnamed') },
    transform: ({ schema, url, route }) => ({ schema: describe(schema ?? {}, route), url }),
  });
}

/** The headers of a route that can respond with 412. */
const CONDITIONS = {
  type: 'object',
  properties: {
    'If-Match': { type: 'string', description: 'Versions, one of which must be there, as entity tags, or *' },
    'If-None-Match': { const: '*', description: 'Nothing may be there' },
  },
} as const;

/** Adds what follows from the route itself: who may call it, and the refusals of every route of its kind. */
function describe(schema: FastifySchema, route: RouteOptions): FastifySchema {
  const { response = {}, ...rest } = schema as DescribedSchema;
  const access = [route.onRequest ?? []]
    .flat()
    .map(accessRuleOf)
    .find((rule) => rule !== undefined);
  const isOfrep = route.url.startsWith('/ofrep/');
  const statuses = [400, 500, 503];
  if (route.url.includes(':')) statuses.push(404, 414);
  if (access !== undefined) statuses.push(401, 403);
  if (access?.browser) statuses.push(429);
  if (route.method !== 'GET') statuses.push(413, 415);
  const body = { $ref: errorName(route.url) };
  const refusals = Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: COMMON[status], content: { 'application/json': { schema: body } } },
    ]),
  );
  return {
    ...rest,
    ...(412 in response && { headers: CONDITIONS }),
    security: access === undefined ? [] : securityOf(access, isOfrep),
    response: { ...refusals, ...response },
  } as FastifySchema;
}

function securityOf({ scope, browser = false }: AccessRule, isOfrep: boolean): Record<string, string[]>[] {
  return [
    { accessToken: [scope] },
    ...(browser ? [{ publishableKey: [] }, { publishableKeyInUrl: [] }] : []),
    ...(isOfrep ? [{ ofrepApiKey: [] }] : []),
  ];
}

function errorName(url: string): string {
  if (url.startsWith('/ofrep/')) return 'OfrepError#';
  return url === '/token' || url === '/revoke' ? 'OAuthError#' : 'Error#';
}
