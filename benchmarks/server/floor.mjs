// Forked: the least that does the same. Bare fastify with the schema of `evaluate`; event streams that evaluate the changed key
// and write its bytes; a ruleset that is one buffer.
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
await app.listen({ host: '127.0.0.1', port: 0 });

const ruleset = Buffer.from(
  `event: ruleset\ndata: ${JSON.stringify('x'.repeat(Number(process.env.RULESET_BYTES)))}\n\n`,
);
const streams = [];
const streamServer = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (request.url === '/ruleset') {
    response.write(ruleset);
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
  flip: ({ turn }) => {
    revision += 1;
    const run = compile(FLAGS[0], flagOf(turn));
    for (const entry of streams) {
      const patch = { revision: String(revision), flags: { [FLAGS[0]]: run(entry.context) } };
      entry.response.write(`id: ${revision}\nevent: patch\ndata: ${JSON.stringify(patch)}\n\n`);
    }
  },
});
