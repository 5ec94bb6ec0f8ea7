import type { ServerResponse } from 'node:http';
import type { JsonValue } from '../wire.ts';
import { type LoopbackServer, type SeenRequest, sendJson, startLoopbackServer } from './loopback-server.ts';

/** The token that {@link startPublishedPlatform} issues. */
export const PLATFORM_TOKEN = 'a-token-of-the-platform';
/** Its organization. */
export const PLATFORM_ORGANIZATION = 'org-1';

/** Responses that a test can replace. Those that are undefined are the published ones. */
export interface PublishedPlatform {
  values: Record<string, JsonValue>;
  /** Wraps every list; default: bare arrays. */
  list: (rows: unknown[]) => unknown;
  /** Sent instead of the response to any config request. */
  instead: ((request: SeenRequest, response: ServerResponse) => void) | undefined;
  server: LoopbackServer;
}

const SCHEMA_ROW = { id: 's1', name: 'shop', currentVersion: 3 };
const VERSION = { id: 'v4', schemaId: 's1', version: 4, pushedBy: 'u1', pushedAt: '2026-11-01T00:00:00Z' };

/** A platform that serves the published contract and nothing else: every other request is a 404. */
export async function startPublishedPlatform(values: Record<string, JsonValue>): Promise<PublishedPlatform> {
  const platform: Omit<PublishedPlatform, 'server'> = { values, list: (rows) => rows, instead: undefined };
  const server = await startLoopbackServer((request, response) => {
    if (request.url === '/token') return respondWithToken(response);
    if (request.headers.authorization !== `Bearer ${PLATFORM_TOKEN}`) {
      return sendJson(response, 401, { message: 'unauthorized' });
    }
    if (platform.instead !== undefined) return platform.instead(request, response);
    const [status, body] = respond(platform, request);
    sendJson(response, status, body);
  });
  return Object.assign(platform, { server });
}

/** Without `expires_in`, and with a `refresh_token`. */
function respondWithToken(response: ServerResponse): void {
  const body = { access_token: PLATFORM_TOKEN, refresh_token: 'a-refresh-token', token_type: 'Bearer' };
  sendJson(response, 200, body);
}

function respond(
  { values, list }: Pick<PublishedPlatform, 'values' | 'list'>,
  request: SeenRequest,
): [status: number, body: unknown] {
  const url = new URL(request.url, 'http://platform');
  const path = url.pathname.replace(`/organizations/${PLATFORM_ORGANIZATION}`, '');
  const key = decodeURIComponent(/^\/config\/(?:values|feature-flags|limits)\/([^/]+)/.exec(path)?.[1] ?? '');
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  const isDevelopment = url.searchParams.get('environment') === 'development';
  const notFound: [number, unknown] = [404, { message: 'not found' }];
  switch (`${request.method} ${path.replace(/(values|feature-flags|limits)\/[^/]+/, '$1/KEY')}`) {
    case 'GET /config/values':
      return isDevelopment ? [200, { values }] : notFound;
    case 'GET /config/values/KEY':
      return isDevelopment && value !== undefined ? [200, { value }] : notFound;
    case 'POST /config/feature-flags/KEY/evaluate':
    case 'POST /config/limits/KEY/evaluate':
      return value === undefined ? notFound : [200, { value, source: 'raw' }];
    case 'GET /config/schemas':
      return [200, list([SCHEMA_ROW])];
    case 'POST /config/schemas/s1/push':
      return [200, { schema: { ...SCHEMA_ROW, currentVersion: 4 }, version: VERSION }];
    case 'GET /config/environments':
      return [200, list([{ id: 'e1', name: 'development' }])];
    case 'GET /auth-clients':
      return [200, list([{ clientId: 'c1', type: 'machine-to-machine' }])];
    case 'POST /auth-clients':
      return createdClient(JSON.parse(request.body));
    default:
      return notFound;
  }
}

/** The published contract knows only these two types, and no short names for them. */
function createdClient({ type }: { type?: unknown }): [status: number, body: unknown] {
  const client = { clientId: 'c2', type, expiresAt: null };
  if (type === 'machine-to-machine') return [201, { ...client, secretKey: 'sk-of-a-test' }];
  if (type === 'browser-to-machine') return [201, { ...client, publicKey: 'pk-of-a-test' }];
  return [400, { message: 'unknown type' }];
}
