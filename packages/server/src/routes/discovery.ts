import type { FastifyInstance } from 'fastify';
import type { TokenService } from '../auth/token-service.ts';
import type { ServerContext } from '../http/server-context.ts';
import { SCOPES } from '../principal.ts';
import { json, ref } from './api-schemas.ts';

const metadataSchema = {
  operationId: 'getAuthorizationServer',
  summary: 'Metadata of the OAuth issuer (RFC 8414)',
  response: { 200: json('The metadata', ref('AuthorizationServer')) },
};
const openidSchema = {
  operationId: 'getOpenidConfiguration',
  summary: 'The same for OpenID Connect Discovery',
  response: { 200: json('The metadata', ref('OpenidConfiguration')) },
};
const jwksSchema = {
  operationId: 'getJwks',
  summary: 'The public keys that access tokens are signed with',
  response: { 200: json('A JWK set (RFC 7517)', ref('Jwks')) },
};

const AUTH_METHODS = ['client_secret_post', 'client_secret_basic'];

/** The metadata documents (RFC 8414, OpenID Connect Discovery) and `GET /jwks`. */
export function registerDiscoveryRoutes(
  app: FastifyInstance,
  context: ServerContext,
  { tokens }: { tokens: TokenService },
): void {
  const metadata = () => {
    const issuer = context.publicUrl();
    return {
      issuer,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
      jwks_uri: `${issuer}/jwks`,
      scopes_supported: SCOPES,
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: AUTH_METHODS,
      revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    };
  };
  app.get('/.well-known/oauth-authorization-server', { schema: metadataSchema }, async () => metadata());
  app.get('/.well-known/openid-configuration', { schema: openidSchema }, async () => ({
    ...metadata(),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }));
  app.get('/jwks', { schema: jwksSchema }, async () => tokens.jwks());
}
