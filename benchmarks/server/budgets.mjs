// What one caller's expensive request costs all others: how long the server's event loop is blocked, and how long
// `/healthz` takes meanwhile. Compares this build with an older one in the same run:
//   node server/budgets.mjs --before PATH/packages/server [--only TEXT] [--wait-sec 120]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    before: { type: 'string' },
    only: { type: 'string', default: '' },
    'wait-sec': { type: 'string', default: '120' },
  },
});
const WAIT_MS = Number(options['wait-sec']) * 1_000;
const AFTER = fileURLToPath(new URL('../../packages/server', import.meta.url));

/** Runs in the server's process, and tells this one the longest time that its event loop was blocked. */
const MONITOR = `
import { monitorEventLoopDelay } from 'node:perf_hooks';
const delays = monitorEventLoopDelay({ resolution: 5 });
delays.enable();
process.on('message', (message) => {
  if (message === 'reset') delays.reset();
  process.send({ blockedMs: delays.max / 1e6, memoryMb: process.resourceUsage().maxRSS / 1024 });
});
process.channel.unref();
`;

const SLOW = { type: 'string', pattern: '^(a+)+$' };
const SLOW_TEXT = `${'a'.repeat(40)}!`;
/** Passes, after some 10 ms: each value alone is not too slow. */
const TENACIOUS = { type: 'string', pattern: '^(a+)+$|!$' };
const TENACIOUS_TEXT = `${'a'.repeat(17)}!`;
const range = (count) => Array.from({ length: count }, (_, index) => index);
const keysOf = (count, schemaOf) =>
  Object.fromEntries(range(count).map((index) => [`k${index}`, schemaOf(index)]));
const references = (count) => ({
  type: 'object',
  $defs: { d: { type: 'object', properties: keysOf(count, () => ({ type: 'string' })) } },
  properties: keysOf(count, () => ({ $ref: '#/$defs/d' })),
});
const honestKey = () => ({
  type: 'object',
  properties: { name: { type: 'string', minLength: 1 }, size: { type: 'number', minimum: 0 } },
  required: ['name'],
  additionalProperties: false,
});

/** Each returns the request to measure, after what must be there before. */
const rows = [
  ['push of 300 references to 300 properties', (shop) => shop.push({ trap: references(300) })],
  ['push of 12,000 references to 12,000 properties', (shop) => shop.push({ trap: references(12_000) })],
  [
    'pattern `^(a+)+$` pushed over 100 stored values',
    async (shop) => {
      const schema = await shop.create(keysOf(100, () => ({ type: 'string' })));
      await send(await shop.bulk(schema, 100, (index) => `${SLOW_TEXT}${index}`));
      return shop.push(
        keysOf(100, () => SLOW),
        schema,
      );
    },
  ],
  [
    'bulk write of 300 values that take 10 ms each',
    async (shop) =>
      shop.bulk(
        await shop.create(keysOf(300, () => TENACIOUS)),
        300,
        (index) => `${TENACIOUS_TEXT}${'!'.repeat(index)}`,
      ),
  ],
  [
    '30,000 items against `uniqueItems`',
    async (shop) =>
      shop.bulk(await shop.create({ k0: { uniqueItems: true } }), 1, () =>
        range(30_000).map((item) => [item]),
      ),
  ],
  ['honest push of 500 keys', (shop) => shop.push(keysOf(500, honestKey))],
  [
    'honest bulk write of 500 values',
    async (shop) =>
      shop.bulk(await shop.create(keysOf(500, honestKey)), 500, (index) => ({
        name: `n${index}`,
        size: index,
      })),
  ],
];

async function send({ url, method, body, token }) {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** A server in a process of its own, with what the rows need. */
async function startShop(directory, home) {
  const credentialsFile = join(directory, `${Math.random()}.json`);
  const child = spawn(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(MONITOR)}`,
      join(home, 'bin/smooai-config-server.js'),
      ...['--db', ':memory:', '--credentials', credentialsFile, '--json', '--log-level', 'silent'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] },
  );
  const [line] = await once(child.stdout, 'data');
  const { url, organizationId } = JSON.parse(String(line));
  const { clientId, clientSecret } = JSON.parse(await readFile(credentialsFile, 'utf8'));
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const granted = await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token: token } = await granted.json();
  const base = `${url}/organizations/${organizationId}/config`;
  const headers = { authorization: `Bearer ${token}` };
  const [environment] = await (await fetch(`${base}/environments`, { headers })).json();
  const documentOf = (keys) => ({
    type: 'object',
    properties: { publicConfigSchema: { type: 'object', properties: keys } },
  });
  return {
    child,
    url,
    create: async (keys) => {
      const body = { name: `schema ${Math.random()}`, jsonSchema: documentOf(keys) };
      return (await send({ url: `${base}/schemas`, method: 'POST', body, token })).body.id;
    },
    push: (keys, id) =>
      id === undefined
        ? {
            url: `${base}/schemas`,
            method: 'POST',
            body: { name: 'measured', jsonSchema: documentOf(keys) },
            token,
          }
        : {
            url: `${base}/schemas/${id}/push`,
            method: 'POST',
            body: { jsonSchema: documentOf(keys) },
            token,
          },
    bulk: (schemaId, count, makeValue) => ({
      url: `${base}/values/bulk`,
      method: 'PUT',
      token,
      body: {
        values: range(count).map((index) => ({
          ...{ schemaId, environmentId: environment.id, tier: 'public' },
          ...{ key: `k${index}`, value: makeValue(index) },
        })),
      },
    }),
  };
}

async function ask(child, question) {
  const message = once(child, 'message');
  child.send(question);
  const [reply] = await message;
  return reply;
}

/** The longest of the `/healthz` requests that are sent one after another until `isOver`. */
async function watchHealth(url, isOver) {
  let longestMs = 0;
  while (!isOver()) {
    const startedAt = performance.now();
    await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(WAIT_MS) }).catch(() => undefined);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await delay(10);
  }
  return longestMs;
}

async function measure(directory, home, prepare) {
  const shop = await startShop(directory, home);
  const ended = once(shop.child, 'exit');
  try {
    const request = await prepare(shop);
    // So that the connections and the code of the way there are warm.
    for (let round = 0; round < 20; round += 1) await fetch(`${shop.url}/healthz`);
    await ask(shop.child, 'reset');
    let isOver = false;
    const startedAt = performance.now();
    const response = Promise.race([
      send(request).catch(() => ({ status: 'no response' })),
      ended.then(() => ({ status: 'the server ended' })),
      delay(WAIT_MS, { status: 'too late' }, { ref: false }),
    ]).finally(() => {
      isOver = true;
    });
    const health = watchHealth(shop.url, () => isOver);
    const { status, body } = await response;
    const tookMs = performance.now() - startedAt;
    if (typeof status !== 'number')
      return { status, tookMs, healthMs: tookMs, blockedMs: tookMs, memoryMb: Number.NaN };
    return {
      status,
      message: body?.message,
      tookMs,
      healthMs: await health,
      ...(await ask(shop.child, 'read')),
    };
  } finally {
    shop.child.kill('SIGKILL');
    await ended;
  }
}

const ms = (value) => (value < 100 ? value.toFixed(0) : (Math.round(value / 10) * 10).toLocaleString('en'));
const cells = ({ status, tookMs, blockedMs, healthMs, memoryMb }) =>
  [status, ms(tookMs), ms(blockedMs), ms(healthMs), Number.isNaN(memoryMb) ? '–' : memoryMb.toFixed(0)].join(
    ' | ',
  );

const directory = await mkdtemp(join(tmpdir(), 'config-budgets-'));
try {
  console.log(
    '| request | build | status | took, ms | event loop blocked, ms | longest `/healthz`, ms | memory, MB |',
  );
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, prepare] of rows.filter(([name]) => name.includes(options.only))) {
    const builds = [
      ...(options.before === undefined ? [] : [['before', resolve(options.before)]]),
      ['after', AFTER],
    ];
    for (const [build, home] of builds) {
      const result = await measure(directory, home, prepare);
      console.log(`| ${String(name)} | ${build} | ${cells(result)} |`);
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
