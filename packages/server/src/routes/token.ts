import type { FastifyInstance } from 'fastify';
import type { AttemptLimiter } from '../auth/attempt-limiter.ts';
import type { ClientDirectory } from '../auth/client-directory.ts';
import type { TokenService } from '../auth/token-service.ts';
import { OAuthError } from '../http/oauth-error.ts';
import type { ServerContext } from '../http/server-context.ts';
import { isScope } from '../principal.ts';
import type { AuthClient } from '../storage/storage.ts';
import { json, ref } from './api-schemas.ts';
import {
  authenticateClient,
  clientFields,
  oauthRefusals,
  prepareOAuthEndpoint,
  readForm,
} from './oauth-request.ts';

const schema = {
  operationId: 'issueToken',
  summary: 'Exchange the credentials of a machine client for an access token (RFC 6749 §4.4)',
  consumes: ['application/x-www-form-urlencoded'],
  body: {
    type: 'object',
    required: ['grant_type'],
    properties: {
      grant_type: { const: 'client_credentials' },
      ...clientFields,
      scope: { type: 'string' },
      provider: { type: 'string' },
    },
  },
  response: { 200: json('The token', ref('Token')), ...oauthRefusals },
};

/** The services of the OAuth endpoints. */
export interface OAuthServices {
  tokens: TokenService;
  clients: ClientDirectory;
  limiter: AttemptLimiter;
}

/** `POST /token`: the client credentials grant (RFC 6749 §4.4). */
export function registerTokenRoutes(
  app: FastifyInstance,
  context: ServerContext,
  { tokens, clients, limiter }: OAuthServices,
): void {
  app.register(async (scope) => {
    prepareOAuthEndpoint(scope, '/token');
    scope.post('/token', { schema }, async (request) => {
      const form = readForm(request);
      const grantType = form.get('grant_type');
      if (grantType === undefined) {
        throw new OAuthError('invalid_request', 'The parameter grant_type is missing.');
      }
      if (grantType !== 'client_credentials') {
        throw new OAuthError('unsupported_grant_type', 'Only grant_type=client_credentials is supported.');
      }
      const client = await authenticateClient(request, form, { clients, limiter });
      const scopes = grantedScopes(client, form.get('scope'));
      const { accessToken, expiresInSec } = await tokens.issue(client, scopes, context.publicUrl());
      return {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: expiresInSec,
        scope: scopes.join(' '),
      };
    });
  });
}

/** Without `scope` a client gets all its scopes. A scope that it does not have is an error. */
function grantedScopes(client: AuthClient, scope: string | undefined): string[] {
  if (scope === undefined) return client.scopes;
  const scopes = [...new Set(scope.split(' ').filter((name) => name !== ''))];
  if (scopes.length === 0) return client.scopes;
  for (const name of scopes) {
    if (!isScope(name)) throw new OAuthError('invalid_scope', 'A requested scope does not exist.');
    if (!client.scopes.includes(name)) {
      throw new OAuthError('invalid_scope', `The client does not have the scope ${name}.`);
    }
  }
  return scopes;
}
