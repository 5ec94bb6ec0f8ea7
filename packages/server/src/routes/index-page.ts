import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';
import { json, ref } from './api-schemas.ts';

const schema = {
  operationId: 'getIndex',
  summary: 'What this server is, for someone who opens its address',
  response: { 200: json('URLs of its health and metadata', ref('Index')) },
};

/** `GET /`: explains the server to someone who opens its address in a browser. */
export function registerIndexPage(app: FastifyInstance, context: ServerContext): void {
  app.get('/', { exposeHeadRoute: true, schema }, async () => {
    const url = context.publicUrl();
    return {
      name: 'smooai-config server',
      message:
        'This is a config server. Programs use it through @smooai/config, people through the command smooai-config ' +
        '(npx smooai-config --help).',
      health: `${url}/healthz`,
      readiness: `${url}/readyz`,
      issuer: `${url}/.well-known/oauth-authorization-server`,
      openapi: `${url}/openapi.json`,
      docs: 'README.md and dist/docs/protocol.md of the package @smooai/config-server.',
    };
  });
}
