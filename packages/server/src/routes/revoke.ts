import type { FastifyInstance } from 'fastify';
import { OAuthError } from '../http/oauth-error.ts';
import type { ServerContext } from '../http/server-context.ts';
import { json, ref } from './api-schemas.ts';
import {
  authenticateClient,
  clientFields,
  oauthRefusals,
  prepareOAuthEndpoint,
  readForm,
} from './oauth-request.ts';
import type { OAuthServices } from './token.ts';

const schema = {
  operationId: 'revokeToken',
  summary: 'Revoke an access token (RFC 7009)',
  consumes: ['application/x-www-form-urlencoded'],
  body: {
    type: 'object',
    required: ['token'],
    properties: { token: { type: 'string' }, token_type_hint: { type: 'string' }, ...clientFields },
  },
  response: {
    200: json('Revoked, or never valid', { type: 'object', additionalProperties: false }),
    ...oauthRefusals,
    507: json('The disk of the database is full', ref('OAuthError')),
  },
};

/** `POST /revoke` (RFC 7009): a client revokes one of its own tokens. */
export function registerRevokeRoutes(
  app: FastifyInstance,
  _context: ServerContext,
  { tokens, clients, limiter }: OAuthServices,
): void {
  app.register(async (scope) => {
    prepareOAuthEndpoint(scope, '/revoke');
    scope.post('/revoke', { schema }, async (request, reply) => {
      const form = readForm(request);
      const client = await authenticateClient(request, form, { clients, limiter });
      const token = form.get('token');
      if (token === undefined) throw new OAuthError('invalid_request', 'The parameter token is missing.');
      const claims = await tokens.verify(token);
      // RFC 7009 §2.2: an invalid token gets the same response as a revoked one.
      if (claims) {
        if (claims.clientId !== client.id) {
          throw new OAuthError('invalid_grant', 'The token was issued to another client.');
        }
        await tokens.revoke(claims);
      }
      return reply.code(200).send({});
    });
  });
}
