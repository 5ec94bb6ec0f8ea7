import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import { isRecord } from '../lib/record.ts';
import { type AccessRule, isScope, type Principal } from '../principal.ts';
import type { AuthClient } from '../storage/storage.ts';
import type { ClientDirectory } from './client-directory.ts';
import { PUBLISHABLE_KEY_PREFIX } from './credentials.ts';
import type { TokenClaims, TokenService } from './token-service.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of the route. */
    principal?: Principal;
  }
}

const REALM = 'Bearer realm="smooai-config"';

/** Where credentials are looked up. */
interface CredentialSources {
  tokens: TokenService;
  clients: ClientDirectory;
}

const rules = new WeakMap<object, AccessRule>();

/** The rule of a guard; undefined for another hook. */
export function accessRuleOf(hook: object): AccessRule | undefined {
  return rules.get(hook);
}

/** Creates the function that makes guards of routes (see `ServerContext.guard`). */
export function createGuard(sources: CredentialSources): (rule: AccessRule) => onRequestAsyncHookHandler {
  return (rule) => {
    const guard: onRequestAsyncHookHandler = async (request, reply): Promise<void> => {
      // Protected responses and their refusals must not be cached, unless the route says otherwise.
      reply.header('cache-control', 'no-store');
      const principal = await authenticate(request, reply, sources);
      requireOrganization(request, principal);
      requireRule(reply, principal, rule);
      request.principal = principal;
    };
    rules.set(guard, rule);
    return guard;
  };
}

async function authenticate(
  request: FastifyRequest,
  reply: FastifyReply,
  { tokens, clients }: CredentialSources,
): Promise<Principal> {
  const credential = credentialOf(request);
  if (credential === undefined) {
    reply.header('www-authenticate', REALM);
    throw new Refusal('unauthenticated', 'A bearer token or a publishable key is required.');
  }
  const principal = credential.text.startsWith(PUBLISHABLE_KEY_PREFIX)
    ? await browserPrincipal(request, credential.text, clients)
    : credential.from === 'header'
      ? await machinePrincipal(credential.text, tokens, clients)
      : undefined;
  if (principal) return principal;
  reply.header('www-authenticate', `${REALM}, error="invalid_token"`);
  throw new Refusal('unauthenticated', 'The credential is malformed, expired or revoked.');
}

function credentialOf(request: FastifyRequest): { text: string; from: 'header' | 'query' } | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    // A header without a bearer token counts as a wrong credential, not as a missing one.
    const match = /^Bearer +([\w\-.~+/]+=*)$/i.exec(authorization);
    return { text: match?.[1] ?? '', from: 'header' };
  }
  const { query } = request;
  if (!isRecord(query) || !('key' in query)) return undefined;
  // A repeated `key` arrives as an array, which is wrong too.
  return { text: typeof query.key === 'string' ? query.key : '', from: 'query' };
}

async function machinePrincipal(
  token: string,
  tokens: TokenService,
  clients: ClientDirectory,
): Promise<Principal | undefined> {
  const claims = await tokens.verify(token);
  if (!claims) return undefined;
  const client = await clients.find(claims.clientId);
  if (!client || client.revokedAt !== null || client.type !== 'm2m') return undefined;
  if (client.organizationId !== claims.organizationId) return undefined;
  const known = principals.get(claims);
  if (known?.client === client) return known.principal;
  // A scope that the client has lost since the token was issued no longer counts.
  const granted = claims.scopes.filter((scope) => client.scopes.includes(scope));
  const principal = principalOf(client, granted, {
    token: { id: claims.jti, expiresAtSec: claims.expiresAtSec },
  });
  principals.set(claims, { client, principal });
  return principal;
}

/** The principal of each token in memory, as long as its client is the one that it was made of. */
const principals = new WeakMap<TokenClaims, { client: AuthClient; principal: Principal }>();

async function browserPrincipal(
  request: FastifyRequest,
  key: string,
  clients: ClientDirectory,
): Promise<Principal | undefined> {
  const client = await clients.findByCredential(key);
  if (!client || client.revokedAt !== null || client.type !== 'b2m') return undefined;
  // The server has no pages of its own, so every browser request is cross-origin and names its origin.
  const { origin } = request.headers;
  if (origin === undefined) {
    throw new Refusal(
      'forbidden',
      'A publishable key works only from a browser, but the request has no Origin header.',
    );
  }
  if (!client.allowedOrigins.includes(origin)) {
    throw new Refusal('forbidden', 'This publishable key does not allow the origin of the request.', {
      detail:
        'Create a key for it with "smooai-config clients create" and --origins, or add it to the allowedOrigins of the auth client.',
    });
  }
  return principalOf(client, client.scopes, { origin });
}

function principalOf(
  client: AuthClient,
  scopes: readonly string[],
  credential: Partial<Pick<Principal, 'token' | 'origin'>>,
): Principal {
  return {
    clientId: client.id,
    type: client.type,
    organizationId: client.organizationId,
    environments: client.environments ?? undefined,
    scopes: new Set(scopes.filter(isScope)),
    token: credential.token,
    origin: credential.origin,
  };
}

function requireOrganization({ params }: FastifyRequest, principal: Principal): void {
  const organization = isRecord(params) ? params.org : undefined;
  if (organization !== undefined && organization !== principal.organizationId) {
    throw new Refusal('forbidden', 'The credential belongs to another organization.');
  }
}

function requireRule(reply: FastifyReply, principal: Principal, rule: AccessRule): void {
  if (principal.type === 'b2m' && rule.browser !== true) {
    throw new Refusal('forbidden', 'A publishable key may not do this. Use a machine-to-machine client.');
  }
  if (!principal.scopes.has(rule.scope)) {
    reply.header('www-authenticate', `${REALM}, error="insufficient_scope", scope="${rule.scope}"`);
    throw new Refusal('forbidden', `The credential lacks the scope ${rule.scope}.`);
  }
}
