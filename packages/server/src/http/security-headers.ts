import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/** Sets the usual security headers. Every response is JSON or an event stream, so a browser needs to load nothing. */
export function registerSecurityHeaders(app: FastifyInstance): void {
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    // For the proxy with TLS to decide: it knows whether its other names have TLS too.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
  // Not through @fastify/helmet, which calls `require('helmet')`: that fails in a process with Node's condition `import`,
  // as vitest sets it for many projects.
  app.addHook('onRequest', (request, reply, done) => setHeaders(request.raw, reply.raw, () => done()));
}
