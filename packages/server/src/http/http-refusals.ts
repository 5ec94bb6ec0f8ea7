import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error.ts';

/** `host[:port]`, with the host as RFC 3986 §3.2.2 allows it: a name, an address, or an IP literal in brackets. */
const HOST = /^(?:\[[\w.:%~!$&'()*+,;=-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d*)?$/;
const BODILESS_METHODS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Refuses what RFC 9110 and RFC 9112 do not allow but Node accepts, with a message in JSON. */
export function registerHttpRefusals(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, reply, done) => {
    const refusal = framingRefusal(raw);
    if (refusal !== undefined) {
      // Whatever follows on this connection may not be where it seems to be.
      void reply.header('connection', 'close');
      // Once Node has read the rest of the input: it must not find a fault there after a response was sent.
      queueMicrotask(() => done(refusal));
      return;
    }
    const isBodiless = !hasBody(raw);
    const { 'content-encoding': encoding } = raw.headers;
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity' && !isBodiless) {
      void reply.header('accept-encoding', 'identity');
      done(new HttpError(415, 'The body must not be compressed: send it without "Content-Encoding".'));
      return;
    }
    // The type of a body that is not there: Fastify would look for a parser.
    if (isBodiless && BODILESS_METHODS.has(raw.method ?? '')) delete raw.headers['content-type'];
    done();
  });
  // Node would send an empty response.
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, {
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    response.end(JSON.stringify({ message: 'The header "Expect" supports only 100-continue.' }));
  });
}

function framingRefusal({ httpVersion, headers, rawHeaders }: IncomingMessage): HttpError | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return new HttpError(505, 'The server supports HTTP/1.1 and HTTP/1.0.');
  }
  // Names are at even positions. Node itself keeps the first of two.
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts === 0 && httpVersion === '1.1') {
    return new HttpError(400, 'The header "Host" is required (RFC 9112 §3.2).');
  }
  if (hosts > 1) return new HttpError(400, 'The header "Host" must not be repeated (RFC 9112 §3.2).');
  if (!HOST.test(headers.host ?? '')) return new HttpError(400, 'The header "Host" is not valid.');
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') {
    return new HttpError(400, 'HTTP/1.0 has no "Transfer-Encoding" (RFC 9112 §6.1).');
  }
  if (coding.trim().toLowerCase() === 'chunked') return undefined;
  return /,\s*chunked\s*$/i.test(coding)
    ? new HttpError(501, 'The only supported "Transfer-Encoding" is chunked.')
    : new HttpError(400, 'The "Transfer-Encoding" of a request must end with chunked (RFC 9112 §6.3).');
}

/** RFC 9112 §6.3: a request has a body if a header says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
}
