import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { sendJson } from './loopback-server.ts';

/** Responds to a token request instead of the issuer, or does not respond at all. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A real OAuth issuer (oidc-provider) on a free loopback port, with a layer in front that can fail its token endpoint. */
export interface OidcIssuer {
  url: string;
  /** Requests of the token endpoint, including those that a fault responded to. */
  exchanges: { at: number; authorization: string | undefined }[];
  /** Faults of the next token requests, in this order; each applies once. */
  faults: Fault[];
  /** Runs before the issuer receives a token request. */
  beforeExchange: () => void | Promise<void>;
  /** Whether a token is valid, by introspection, or for a JWT by its signature and expiry. */
  isActive(token: string): Promise<boolean>;
  revoke(token: string): Promise<void>;
  close(): Promise<void>;
}

/** Its clients. They may request only the scope `config:read`. */
export const OIDC_CLIENTS = {
  form: { clientId: 'form-client', clientSecret: 'form s%+cret &:=/"\\~' },
  basic: { clientId: 'basic client', clientSecret: 'basic s%+cret &:=/"\\~' },
  plain: { clientId: 'plain-client', clientSecret: 'plain-s3cret' },
} as const;

/** Tokens for this resource are JWTs; all others are opaque. */
export const JWT_RESOURCE = 'https://config.example';

const SCOPE = 'config:read';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey);

/** Starts an {@link OidcIssuer} whose tokens live `ttlSec`. */
export async function startOidcIssuer(options: { ttlSec: number }): Promise<OidcIssuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const handle = createIssuer(url, options.ttlSec).callback();
  const issuer: OidcIssuer = {
    url,
    exchanges: [],
    faults: [],
    beforeExchange: () => undefined,
    isActive: (token) => (token.includes('.') ? isActiveJwt(token) : isActiveOpaque(url, token)),
    revoke: async (token) => {
      const response = await postForm(`${url}/token/revocation`, { token });
      if (!response.ok) throw new Error(`The token was not revoked: ${response.status}.`);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on('request', (request, response) => {
    const work =
      request.url === '/token' ? exchange(issuer, handle, request, response) : handle(request, response);
    Promise.resolve(work).catch(() => request.socket.destroy());
  });
  return issuer;
}

async function exchange(
  issuer: OidcIssuer,
  handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  issuer.exchanges.push({ at: Date.now(), authorization: request.headers.authorization });
  const fault = issuer.faults.shift();
  if (fault !== undefined) {
    await fault(request, response);
    return;
  }
  await issuer.beforeExchange();
  await handle(request, response);
}

function createIssuer(url: string, ttlSec: number): Provider {
  const client = (
    credentials: { clientId: string; clientSecret: string },
    method: 'client_secret_post' | 'client_secret_basic',
  ) => ({
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: SCOPE,
    token_endpoint_auth_method: method,
  });
  return new Provider(url, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kty: 'RSA' }] },
    cookies: { keys: ['unused without sessions'] },
    clients: [
      client(OIDC_CLIENTS.form, 'client_secret_post'),
      client(OIDC_CLIENTS.basic, 'client_secret_basic'),
      client(OIDC_CLIENTS.plain, 'client_secret_basic'),
    ],
    scopes: [SCOPE, 'config:write'],
    ttl: { ClientCredentials: ttlSec },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_context, resource) => ({
          scope: SCOPE,
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: ttlSec,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

async function isActiveOpaque(url: string, token: string): Promise<boolean> {
  const response = await postForm(`${url}/token/introspection`, { token });
  const body: unknown = await response.json();
  return typeof body === 'object' && body !== null && 'active' in body && body.active === true;
}

async function isActiveJwt(token: string): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) return false;
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (typeof claims !== 'object' || claims === null || !('exp' in claims) || !('aud' in claims)) return false;
  return claims.aud === JWT_RESOURCE && Number(claims.exp) * 1000 > Date.now();
}

function postForm(url: string, form: Record<string, string>): Promise<Response> {
  const { clientId, clientSecret } = OIDC_CLIENTS.form;
  const body = new URLSearchParams({ ...form, client_id: clientId, client_secret: clientSecret });
  return fetch(url, { method: 'POST', headers: FORM, body: body.toString() });
}

/** Faults of a token endpoint. */
export const faults: {
  readonly [Name in 'unavailable' | 'hang' | 'hangWithin' | 'reset' | 'html' | 'huge']: Fault;
} & { readonly throttled: (retryAfter: string) => Fault } = {
  unavailable: (_request, response) => sendJson(response, 503, { error: 'temporarily_unavailable' }),
  throttled: (retryAfter) => (_request, response) =>
    sendJson(response, 429, { error: 'slow_down' }, { 'retry-after': retryAfter }),
  hang: () => undefined,
  hangWithin: (_request, response) =>
    void response.writeHead(200, { 'content-length': '100' }).write('{"acc'),
  reset: (request) => void request.socket.resetAndDestroy(),
  html: (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Sign in</p>'),
  huge: (_request, response) =>
    sendJson(response, 200, { access_token: 'x'.repeat(10_000_000), token_type: 'Bearer', expires_in: 60 }),
};
