// Forked: an issuer and a config server with one ruleset. The message `{ changes, everyMs }` makes it send that many changes
// to every stream. Each contains the time at which it was made, by the clock that all processes of a machine share.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { keysOf, rulesetOf } from './schema.mjs';

const streams = new Set();
const ruleset = rulesetOf(keysOf(Number(process.env.KEYS)), 1);
let revision = 1;
let tokens = 0;

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/token') {
    tokens += 1;
    sendJson(response, { access_token: `token-${tokens}`, token_type: 'Bearer', expires_in: 3600 });
  } else if (path.endsWith('/stream')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.socket.setNoDelay(true);
    const lastEventId = request.headers['last-event-id'];
    if (lastEventId === String(revision)) response.write(': nothing was missed\n\n');
    else
      response.write(
        `id: ${revision}\nevent: ruleset\ndata: ${JSON.stringify({ ...ruleset, revision: String(revision) })}\n\n`,
      );
    streams.add(response);
    response.once('close', () => streams.delete(response));
  } else {
    sendJson(response, { ...ruleset, revision: String(revision) });
  }
});
server.listen(0, '127.0.0.1', 10_000, () =>
  process.send({ url: `http://127.0.0.1:${server.address().port}` }),
);

process.on('message', (order) => void emit(order));
process.on('disconnect', () => process.exit());

async function emit({ changes, everyMs }) {
  for (let count = 0; count < changes; count += 1) {
    await sleep(everyMs);
    revision += 1;
    const sentAt = Number(process.hrtime.bigint()) / 1e6;
    const patch = {
      revision: String(revision),
      previousRevision: String(revision - 1),
      changes: [{ tier: 'feature_flag', key: 'sentAt', value: sentAt }],
    };
    const event = `id: ${revision}\nevent: change\ndata: ${JSON.stringify(patch)}\n\n`;
    for (const stream of streams) stream.write(event);
  }
  await sleep(everyMs + 1_000);
  process.send({ isDone: true });
}

function sendJson(response, body) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
