// Forked: the least that does the same. Bare fastify with the schema of `evaluate`, a snapshot and a token; event streams that
// evaluate the changed key and write its bytes; a ruleset that is one buffer, and streams that begin with it.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FLAGS, flagOf } from './flags.mjs';
import { serveOrders } from './meter.mjs';

const packages = resolve(import.meta.dirname, '../../packages');
const { compile } = await import(pathToFileURL(resolve(packages, 'core/dist/index.js')).href);
const { default: Fastify } = createRequire(resolve(packages, 'server/package.json'))('fastify');

const app = Fastify();
const context = { type: 'object' };
const environment = { type: 'string', minLength: 1 };
const body = { type: 'object', required: ['environment'], properties: { environment, context } };
const evaluate = compile(FLAGS[0], flagOf(0));
app.get('/healthz', async () => ({}));
app.post('/organizations/:org/config/feature-flags/:key/evaluate', { schema: { body } }, async (request) =>
  evaluate(request.body.context),
);
const all = FLAGS.map((key) => [key, compile(key, flagOf(0))]);
app.post('/organizations/:org/config/snapshot', { schema: { body } }, async (request) => ({
  flags: Object.fromEntries(all.map(([key, run]) => [key, run(request.body.context)])),
}));
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, text, done) =>
  done(null, Object.fromEntries(new URLSearchParams(text))),
);
app.post('/token', async (request) => {
  const sec = Math.floor(Date.now() / 1_000);
  const claims = { sub: request.body.client_id, jti: randomUUID(), iat: sec, exp: sec + 3_600 };
  const text = `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const access_token = `${text}.${signature.toString('base64url')}`;
  return { access_token, token_type: 'Bearer', expires_in: 3_600 };
});
await app.listen({ host: '127.0.0.1', port: 0 });

const ruleset = Buffer.from(
  `event: ruleset\ndata: ${JSON.stringify('x'.repeat(Number(process.env.RULESET_BYTES)))}\n\n`,
);
const streams = [];
/** Streams that began with the ruleset. */
const readers = [];
const streamServer = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (request.url === '/ruleset') {
    response.write(ruleset);
    readers.push(response);
    response.once('close', () => readers.splice(readers.indexOf(response), 1));
    return;
  }
  response.write('event: snapshot\ndata: {}\n\n');
  const entry = { response, context: JSON.parse(request.headers['x-context']) };
  streams.push(entry);
  response.once('close', () => streams.splice(streams.indexOf(entry), 1));
});
streamServer.listen(0, '127.0.0.1', 10_000, () =>
  process.send({
    url: `http://127.0.0.1:${app.server.address().port}`,
    streamUrl: `http://127.0.0.1:${streamServer.address().port}`,
  }),
);

let revision = 1;
serveOrders({
  change: ({ turn }) => {
    revision += 1;
    const changes = [{ tier: 'feature_flag', key: FLAGS[0], value: flagOf(turn) }];
    const data = JSON.stringify({
      revision: String(revision),
      previousRevision: String(revision - 1),
      changes,
    });
    const text = `id: ${revision}\nevent: change\ndata: ${data}\n\n`;
    for (const response of readers) response.write(text);
  },
  flip: ({ turn }) => {
    revision += 1;
    const run = compile(FLAGS[0], flagOf(turn));
    for (const entry of streams) {
      const patch = { revision: String(revision), flags: { [FLAGS[0]]: run(entry.context) } };
      entry.response.write(`id: ${revision}\nevent: patch\ndata: ${JSON.stringify(patch)}\n\n`);
    }
  },
});
