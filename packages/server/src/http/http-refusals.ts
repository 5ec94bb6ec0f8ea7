import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error.ts';

/** Refuses a missing `Host` header and an unknown `Expect` header in JSON; Node would send an empty response. */
export function registerHttpRefusals(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { httpVersion, headers } = request.raw;
    if (httpVersion !== '1.1' || headers.host !== undefined) return;
    void reply.header('connection', 'close');
    throw new HttpError(400, 'The header "Host" is required (RFC 9112 §3.2).');
  });
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { 'content-type': 'application/json; charset=utf-8', connection: 'close' });
    response.end(JSON.stringify({ message: 'The header "Expect" supports only 100-continue.' }));
  });
}
