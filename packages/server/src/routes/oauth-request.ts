import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AttemptLimiter } from '../auth/attempt-limiter.ts';
import type { ClientDirectory } from '../auth/client-directory.ts';
import { hashCredential, matchesCredential } from '../auth/credentials.ts';
import { sendOAuthError } from '../http/error-handling.ts';
import { OAuthError } from '../http/oauth-error.ts';
import type { AuthClient } from '../storage/storage.ts';
import { type ApiSchema, json, ref } from './api-schemas.ts';

/** An OAuth form is small. */
const FORM_LIMIT_BYTES = 16 * 1024;
const BASIC_CHALLENGE = { 'www-authenticate': 'Basic realm="smooai-config", charset="UTF-8"' };
const OTHER_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The fields of a form that authenticate a client; HTTP Basic is accepted instead. */
export const clientFields: ApiSchema = { client_id: { type: 'string' }, client_secret: { type: 'string' } };

/** The responses of an OAuth endpoint besides its success. */
export const oauthRefusals: Readonly<Record<number, ApiSchema>> = {
  401: json('The client is unknown or its secret is wrong', ref('OAuthError')),
  429: json('Too many wrong secrets for this client from one address', ref('OAuthError')),
  503: json('The server is starting or closing, or its storage does not respond', {
    anyOf: [ref('OAuthError'), ref('Error')],
  }),
};

interface ClientCredentials {
  id: string;
  secret: string;
  basic: boolean;
}

/** Prepares an encapsulated instance for an OAuth endpoint: form bodies, no caching, errors of RFC 6749, POST only. */
export function prepareOAuthEndpoint(app: FastifyInstance, url: string): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: FORM_LIMIT_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error, request, reply) => sendOAuthError(error, request, reply));
  // `readForm` checks the form: its schema only describes it.
  app.setValidatorCompiler(() => () => true);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' });
    if (request.method !== 'POST') {
      throw new OAuthError('invalid_request', 'This endpoint supports only POST.', {
        status: 405,
        headers: { allow: 'POST' },
      });
    }
  });
  app.route({
    method: OTHER_METHODS,
    url,
    schema: { hide: true },
    handler: async (_request, reply) => reply.code(405).send(),
  });
}

/**
 * Reads the form of a request.
 * @throws {OAuthError} 400 for another content type or a repeated parameter
 */
export function readForm(request: FastifyRequest): ReadonlyMap<string, string> {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/x-www-form-urlencoded') {
    throw new OAuthError('invalid_request', 'The content type must be application/x-www-form-urlencoded.');
  }
  const form = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(typeof request.body === 'string' ? request.body : '')) {
    if (seen.has(name)) {
      const shown = /^\w{1,40}$/.test(name) ? `The parameter ${name}` : 'A parameter';
      throw new OAuthError('invalid_request', `${shown} is repeated.`);
    }
    seen.add(name);
    // RFC 6749 §3.2: a parameter without a value counts as omitted.
    if (value !== '') form.set(name, value);
  }
  return form;
}

/**
 * Authenticates a machine client by HTTP Basic or by the form.
 * An unknown client takes the same path as a wrong secret. The right secret always works, however many wrong ones came
 * before it: otherwise others behind the same address (NAT, a proxy) could lock a client out of its configuration, and
 * secrets of 256 random bits cannot be guessed. The limit only slows down a program with a wrong secret.
 * @throws {OAuthError} 400, 401 or 429
 */
export async function authenticateClient(
  request: FastifyRequest,
  form: ReadonlyMap<string, string>,
  { clients, limiter }: { clients: ClientDirectory; limiter: AttemptLimiter },
): Promise<AuthClient> {
  const credentials = credentialsOf(request, form);
  const client = await clients.find(credentials.id);
  const matches = matchesCredential(credentials.secret, client?.credentialHash);
  if (client && matches && client.type === 'm2m' && client.revokedAt === null) return client;
  const attempt = `${request.ip} ${hashCredential(credentials.id)}`;
  const retryAfterSec = limiter.retryAfterSec(attempt);
  if (retryAfterSec !== undefined) throw tooManyAttempts(retryAfterSec);
  limiter.failed(attempt);
  throw invalidClient('The client is unknown, its secret is wrong, or it is revoked.', credentials.basic);
}

function tooManyAttempts(seconds: number): OAuthError {
  const wait = `${seconds} second${seconds === 1 ? '' : 's'}`;
  return new OAuthError(
    'invalid_request',
    `Too many wrong secrets for this client. Check its id and secret, and try again in ${wait}.`,
    { status: 429, headers: { 'retry-after': String(seconds) } },
  );
}

function credentialsOf(request: FastifyRequest, form: ReadonlyMap<string, string>): ClientCredentials {
  const { authorization } = request.headers;
  const id = form.get('client_id');
  const secret = form.get('client_secret');
  if (authorization === undefined) {
    if (id === undefined) throw missing('client_id');
    if (secret === undefined) throw missing('client_secret');
    return { id, secret, basic: false };
  }
  const basic = basicCredentials(authorization);
  if (!basic) throw invalidClient('The Authorization header does not contain valid Basic credentials.', true);
  if (secret !== undefined || (id !== undefined && id !== basic.id)) {
    // RFC 6749 §2.3: only one authentication method per request.
    throw new OAuthError(
      'invalid_request',
      'Send the client credentials either in the Authorization header or in the form, not in both.',
    );
  }
  return basic;
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined and base64-encoded. */
function basicCredentials(authorization: string): ClientCredentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/\-_]+=*)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  const id = formDecode(text.slice(0, colon));
  const secret = formDecode(text.slice(colon + 1));
  return id === undefined || secret === undefined ? undefined : { id, secret, basic: true };
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function missing(parameter: string): OAuthError {
  return new OAuthError('invalid_request', `The parameter ${parameter} is missing.`);
}

function invalidClient(description: string, basic: boolean): OAuthError {
  return new OAuthError('invalid_client', description, basic ? { headers: BASIC_CHALLENGE } : {});
}
