import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Methods whose requests usually have no body, but often its type: an empty one counts as none. */
const BODILESS_METHODS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Reads JSON bodies and refuses invalid UTF-8, which Fastify would turn into replacement characters. */
export function registerJsonBody(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0 && BODILESS_METHODS.has(request.method)) {
      done(null, undefined);
      return;
    }
    let text: string;
    try {
      text = decoder.decode(body);
    } catch {
      done(new HttpError(400, 'The body is not valid UTF-8.'));
      return;
    }
    void parse(request, text, done);
  });
}
