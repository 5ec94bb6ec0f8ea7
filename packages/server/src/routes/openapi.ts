import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { matchesEtag } from '../http/etag.ts';
import type { ServerContext } from '../http/server-context.ts';
import { json, noBody } from './api-schemas.ts';

const schema = {
  operationId: 'getOpenapi',
  summary: 'This description of the API',
  response: {
    200: json('An OpenAPI 3.1 document, with an ETag', { type: 'object', additionalProperties: true }),
    304: noBody('The client has this document'),
  },
};

/** `GET /openapi.json`: the API by the schemas of its routes. It names no organization, environment or key. */
export function registerOpenapiRoute(app: FastifyInstance, context: ServerContext): void {
  let document: { body: string; etag: string } | undefined;
  app.get('/openapi.json', { schema }, (request, reply) => {
    document ??= createDocument(app, context.publicUrl());
    const { body, etag } = document;
    void reply.headers({ etag, 'cache-control': 'public, max-age=300' });
    if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(body);
  });
}

function createDocument(app: FastifyInstance, url: string): { body: string; etag: string } {
  const body = JSON.stringify({ ...app.swagger(), servers: [{ url }] });
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
