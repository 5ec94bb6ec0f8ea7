import type { FastifyInstance } from 'fastify';
import type { TokenService } from '../auth/token-service.ts';
import type { ServerContext } from '../http/server-context.ts';
import { SCOPES } from '../principal.ts';

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
  app.get('/.well-known/oauth-authorization-server', async () => metadata());
  app.get('/.well-known/openid-configuration', async () => ({
    ...metadata(),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }));
  app.get('/jwks', async () => tokens.jwks());
}
