// Forked: the snapshot route handler of @smooai/config-next in the build in DIST. The response is written as Next writes it,
// from the reader of its body.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { number } from '../client/schema.mjs';
import { FLAGS, flagOf } from './flags.mjs';
import { serveOrders } from './meter.mjs';

const load = (file) => import(pathToFileURL(resolve(process.env.DIST, 'packages', file)).href);
const { defineConfig } = await load('core/dist/index.js');
const { createConfigClient } = await load('core/dist/server.js');
const { createSnapshotRouteHandler } = await load('next/dist/route-handler.js');

const config = defineConfig({ flags: Object.fromEntries(FLAGS.map((name) => [name, number])) });
const flags = Object.fromEntries(FLAGS.map((name) => [name, flagOf(0)]));
const empty = { public: {}, secret: {}, limits: {}, segments: {} };
let sink;
const source = {
  start: async (started) => {
    sink = started;
    sink.replace({ revision: '1', environment: 'development', flags, ...empty });
  },
  stop: () => undefined,
};
const client = await createConfigClient({ config, source }).ready();
const handler = createSnapshotRouteHandler({
  client,
  context: (request) => JSON.parse(request.headers.get('x-context')),
});

const server = createServer((request, response) => void respond(request, response));

async function respond(request, response) {
  if (request.url === '/healthz') {
    response.end('{}');
    return;
  }
  const ending = new AbortController();
  response.once('close', () => ending.abort());
  const url = `http://localhost${request.url}`;
  const answer = await handler(new Request(url, { headers: request.headers, signal: ending.signal }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!response.write(value)) await once(response, 'drain');
  }
  response.end();
}

server.listen(0, '127.0.0.1', 10_000, () =>
  process.send({ url: `http://127.0.0.1:${server.address().port}` }),
);

let revision = 1;
serveOrders({
  flip: ({ turn }) => {
    revision += 1;
    const change = { tier: 'feature_flag', key: FLAGS[0], value: flagOf(turn) };
    sink.patch({ revision: String(revision), previousRevision: String(revision - 1), changes: [change] });
  },
});
