// A config server with one ruleset that changes on messages from its parent process: `{ burst: count }` emits changes as
// fast as the readers take them, `{ perSecond }` emits changes at that rate until the end.
import { createServer } from 'node:http';

const KEYS = 50;
const padding = 'x'.repeat(Number(process.env.PADDING ?? 0));
const streamLifeMs = Number(process.env.STREAM_LIFE_MS ?? 0);
const streams = new Set();
const flags = { left: 0, right: 0 };
let version = 0;

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/token') {
    sendJson(response, { access_token: `token-${Date.now()}`, token_type: 'Bearer', expires_in: 10 });
  } else if (path.endsWith('/stream')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: ${version}\nevent: ruleset\ndata: ${JSON.stringify(ruleset())}\n\n`);
    streams.add(response);
    response.once('close', () => streams.delete(response));
    if (streamLifeMs > 0) setTimeout(() => response.destroy(), streamLifeMs);
  } else {
    sendJson(response, ruleset());
  }
});

server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
const heartbeat = setInterval(() => {
  for (const stream of streams) stream.write(':\n\n');
}, 200);
heartbeat.unref();

process.on('message', (message) => void emit(message));
process.on('disconnect', () => process.exit());

async function emit({ burst, perSecond }) {
  if (perSecond !== undefined) emitAtRate(perSecond);
  for (let count = 0; count < (burst ?? 0); count += 1) {
    const text = next();
    for (const stream of streams) {
      if (!stream.write(text)) await new Promise((resolve) => stream.once('drain', resolve));
    }
  }
  process.send({ version });
}

/** Emits what is due by the clock, so that a late timer does not lower the rate. */
function emitAtRate(perSecond) {
  const startedAt = performance.now();
  let emitted = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond);
    for (; emitted < due; emitted += 1) {
      const text = next();
      for (const stream of streams) stream.write(text);
    }
  }, 5);
}

/** Each change sets `left`, `right` and one of the keys to its version, so that a half change or a lost one shows. */
function next() {
  version += 1;
  const key = `key${version % KEYS}`;
  Object.assign(flags, { left: version, right: version, [key]: version });
  const changes = ['left', key, 'right'].map((name) => ({ tier: 'feature_flag', key: name, value: version }));
  changes.push({ tier: 'public', key: 'padding', value: `${version}${padding}` });
  const patch = { revision: String(version), previousRevision: String(version - 1), changes };
  return `id: ${version}\nevent: change\ndata: ${JSON.stringify(patch)}\n\n`;
}

function ruleset() {
  const position = { revision: String(version), epoch: 'one', environment: 'development' };
  return {
    ...position,
    public: { padding: `${version}${padding}` },
    secret: {},
    flags,
    limits: {},
    segments: {},
  };
}

function sendJson(response, body) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
