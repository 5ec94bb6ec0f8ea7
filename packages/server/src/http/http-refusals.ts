import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error.ts';

/** Says in JSON what Node would refuse with an empty answer: an HTTP/1.1 request without a host, an unknown expectation. */
export function registerHttpRefusals(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { httpVersion, headers } = request.raw;
    if (httpVersion !== '1.1' || headers.host !== undefined) return;
    void reply.header('connection', 'close');
    throw new HttpError(400, 'The header "host" is required (RFC 9112 §3.2).');
  });
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { 'content-type': 'application/json; charset=utf-8', connection: 'close' });
    response.end(JSON.stringify({ message: 'The only expectation that is met is 100-continue.' }));
  });
}
