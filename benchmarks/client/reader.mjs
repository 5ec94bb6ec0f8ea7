// Forked: follows a server's stream with many clients, or with the least code that can, and reports how late each saw
// each change.
import { configOf, keysOf } from './schema.mjs';

const { URL: url, KEYS, READERS, KIND } = process.env;
const readers = Number(READERS);
const latencies = [];
const saw = (sentAt) => {
  if (sentAt > 0) latencies.push(Number(process.hrtime.bigint()) / 1e6 - sentAt);
};

const follow = KIND === 'floor' ? await floor() : await client();
const batch = 50;
for (let made = 0; made < readers; made += batch) {
  await Promise.all(Array.from({ length: Math.min(batch, readers - made) }, follow));
}
process.send({ isReady: true });
process.on('message', () => process.send({ latencies }, () => process.exit()));
process.on('disconnect', () => process.exit());

async function client() {
  const core = await import('../../packages/core/dist/index.js');
  const { createConfigClient } = await import('../../packages/core/dist/server.js');
  const config = configOf(keysOf(Number(KEYS)), core);
  const credentials = { organizationId: 'o', clientId: 'a-client', clientSecret: 'a-secret-of-it' };
  return async () => {
    const settings = { apiUrl: url, authUrl: url, environment: 'development', ...credentials };
    const made = createConfigClient({ config, ...settings });
    await made.ready();
    made.subscribe(() => saw(made.flag('sentAt')));
    while (made.health().transport !== 'stream') await new Promise((resolve) => setTimeout(resolve, 5));
  };
}

/** Cuts the stream at blank lines and parses each event's JSON. No checks, no order, no reconnecting. */
async function floor() {
  return async () => {
    const response = await fetch(`${url}/stream`);
    const opened = Promise.withResolvers?.() ?? deferred();
    void (async () => {
      const decoder = new TextDecoder();
      let rest = '';
      for await (const chunk of response.body) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          const data = block.slice(block.indexOf('data: ') + 6);
          const [change] = JSON.parse(data).changes ?? [];
          if (change !== undefined) saw(change.value);
          opened.resolve();
        }
      }
    })();
    await opened.promise;
  };
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}
