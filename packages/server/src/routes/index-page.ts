import type { FastifyInstance } from 'fastify';
import type { ServerContext } from '../http/server-context.ts';

/** `GET /`: what somebody who opens the server's address has found, and where to go on. */
export function registerIndexPage(app: FastifyInstance, context: ServerContext): void {
  app.get('/', { exposeHeadRoute: true }, async () => {
    const url = context.publicUrl();
    return {
      name: 'smooai-config server',
      message:
        'This is a config server. Programs read it through @smooai/config, and people by the command smooai-config (npx smooai-config --help).',
      health: `${url}/healthz`,
      readiness: `${url}/readyz`,
      issuer: `${url}/.well-known/oauth-authorization-server`,
      docs: 'README.md of the package @smooai/config-server; the wire protocol is docs/protocol.md of its repository.',
    };
  });
}
