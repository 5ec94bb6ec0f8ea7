import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../scripts/free-port.mjs';
import { type ConfigServer, createConfigServer } from './create-config-server.ts';
import { callApi, sendRaw, startServer, temporaryDirectory } from './test-support/running-server.ts';
import { type Shop, startShop } from './test-support/shop-server.ts';

/** Prometheus reads numbers as Go does: NaN and Inf in any case. */
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|nan|[+-]inf)$/i;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Parses the text format of Prometheus, version 0.0.4. Throws for a line that it does not allow. */
function parse(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !/^# (?:HELP|TYPE) /.test(line));
  return lines.map((line) => {
    const match = LINE.exec(line);
    if (match === null) throw new Error(`Not a sample: ${line}`);
    const [, name = '', labels = '', value] = match;
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', content = '']) => [label, content]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

async function scrape({ metricsUrl = '' }: Pick<ConfigServer, 'metricsUrl'>): Promise<Sample[]> {
  const response = await fetch(metricsUrl);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parse(await response.text());
}

/** The sum of the samples with these labels. */
function total(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string | number> = {},
): number {
  return samples
    .filter((sample) => sample.name === `smooai_config_${name}`)
    .filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === String(value)),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

const startMeasured = (): Promise<Shop> => startShop({ metrics: {} });

/** Responses are counted after they were sent, so this asks until it holds, or the test times out. */
async function scrapeUntil(server: ConfigServer, holds: (samples: Sample[]) => boolean): Promise<Sample[]> {
  let samples = await scrape(server);
  while (!holds(samples)) {
    await delay(50);
    samples = await scrape(server);
  }
  return samples;
}

describe('metrics', { timeout: 120_000 }, () => {
  it('are off by default, and never on the address of the API', async () => {
    const plain = await startServer();
    expect(plain.metricsUrl).toBeUndefined();
    expect((await fetch(`${plain.url}/metrics`)).status).toBe(404);
    const measured = await startServer({ metrics: {} });
    expect((await fetch(`${measured.url}/metrics`)).status).toBe(404);
    const { metricsUrl = '' } = measured;
    expect(new URL(metricsUrl).hostname).toBe('127.0.0.1');
    expect((await fetch(metricsUrl, { method: 'POST' })).status).toBe(405);
    expect((await fetch(new URL('/healthz', metricsUrl))).status).toBe(404);
  });

  it('count requests by method, template of the route and status', async () => {
    const { server, token } = await startMeasured();
    const route = '/organizations/:org/config/ruleset';
    await callApi(server, '/config/ruleset?environment=development');
    await callApi(server, '/config/ruleset', { token });
    await callApi(server, '/config/ruleset?environment=development', { token });
    const name = 'http_request_duration_seconds_count';
    const samples = await scrapeUntil(server, (now) => total(now, name, { route, method: 'GET' }) === 3);
    expect([200, 400, 401].map((status) => total(samples, name, { route, status }))).toEqual([1, 1, 1]);
    expect(total(samples, 'http_request_duration_seconds_bucket', { route, le: '+Inf' })).toBe(3);
  });

  it('know open streams, evaluations, revisions and the process', async () => {
    const shop = await startMeasured();
    await shop.set('theme', 'dark');
    const body = { environment: 'development', context: { userId: 'u-1' } };
    await shop.call('POST', '/feature-flags/theme/evaluate', body);
    await shop.call('POST', '/feature-flags/newCheckout/evaluate', body);
    const leaving = new AbortController();
    const url = `${shop.server.url}/organizations/${shop.server.organizationId}/config/stream?environment=development`;
    await fetch(url, { headers: { authorization: `Bearer ${shop.token}` }, signal: leaving.signal });
    const samples = await scrape(shop.server);
    const stream = { route: '/organizations/:org/config/stream' };
    expect(total(samples, 'streams_open', stream)).toBe(1);
    expect(total(samples, 'streams_opened_total', stream)).toBe(1);
    expect(total(samples, 'evaluations_total', { outcome: 'raw' })).toBe(1);
    expect(total(samples, 'evaluations_total', { outcome: 'default' })).toBe(1);
    const { revision } = await shop.ruleset();
    const environment = { organization: shop.server.organizationId, environment: 'development' };
    expect(total(samples, 'environment_revision', environment)).toBe(Number(revision));
    expect(samples.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
    );
    leaving.abort();
    await scrapeUntil(shop.server, (now) => total(now, 'streams_open', stream) === 0);
  });

  it('have as many labels after hostile paths and methods as after one, and none of their text', async () => {
    const shop = await startMeasured();
    const { server } = shop;
    const host = new URL(server.url).host;
    for (let index = 0; index < 40; index++) {
      await shop.call('GET', `/values/canary-${index}?environment=canary-${index}`);
      await fetch(`${server.url}/canary-${index}/"\\n{}`, { method: index % 2 === 0 ? 'GET' : 'DELETE' });
      await fetch(`${server.url}/organizations/canary-${index}/config/values?key=canary-${index}`);
    }
    for (const method of ['PROPFIND', 'MKCOL', 'PURGE', 'REPORT', 'canary']) {
      await sendRaw(server, `${method} /canary HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    }
    for (const path of ['/%zz-canary', `/ofrep/v1/evaluate/flags/${'canary'.repeat(100)}`]) {
      await sendRaw(
        server,
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    }
    const name = 'http_request_duration_seconds_count';
    // 40 unknown paths, 4 methods that HTTP knows, 2 paths that are not valid.
    const samples = await scrapeUntil(server, (now) => total(now, name, { route: 'unknown' }) === 46);
    expect(JSON.stringify(samples)).not.toContain('canary');
    const routes = new Set(samples.map(({ labels }) => labels.route).filter((route) => route !== undefined));
    const methods = new Set(
      samples.map(({ labels }) => labels.method).filter((method) => method !== undefined),
    );
    expect(routes.size).toBeLessThan(12);
    expect([...methods].sort()).toEqual(['DELETE', 'GET', 'POST', 'other']);
  });

  it('know the webhooks that wait because their receiver fails', async () => {
    const failing = createServer((_request, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void failing.close());
    const { port } = failing.address() as AddressInfo;
    const webhook = { url: `http://127.0.0.1:${port}`, secret: 'a-secret-of-the-tests' };
    const server = await startServer({ metrics: {}, webhooks: [webhook], timeouts: { closeMs: 100 } });
    // One for each environment, unless one of them is on its way.
    await scrapeUntil(server, (now) => total(now, 'webhooks_waiting') >= 2);
  });

  it('are those of one server: a second one in the process has its own', async () => {
    const [first, second] = [await startServer({ metrics: {} }), await startServer({ metrics: {} })];
    await fetch(`${first.url}/jwks`);
    const keys = { route: '/jwks' };
    const name = 'http_request_duration_seconds_count';
    await scrapeUntil(first, (now) => total(now, name, keys) === 1);
    expect(total(await scrape(second), name, keys)).toBe(0);
  });

  it('leave health checks out, which load balancers send all the time', async () => {
    const server = await startServer({ metrics: {} });
    for (const path of ['/healthz', '/readyz']) {
      for (const method of ['GET', 'HEAD']) await fetch(`${server.url}${path}`, { method });
    }
    await fetch(`${server.url}/jwks`);
    const name = 'http_request_duration_seconds_count';
    const samples = await scrapeUntil(server, (now) => total(now, name) > 0);
    expect(samples.flatMap(({ labels }) => labels.route ?? [])).not.toContain('/readyz');
    expect(total(samples, name)).toBe(1);
  });

  it('end with the server, also for a client that keeps its connection', async () => {
    const server = await createConfigServer({ env: {}, metrics: {} });
    const { port } = new URL(server.metricsUrl ?? '');
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    await server.close();
    await closed;
    await expect(fetch(server.metricsUrl ?? '')).rejects.toThrow();
  });

  it('refuse the port of the API, before a file is created', async () => {
    const directory = await temporaryDirectory();
    const port = await freePort(0);
    const options = { env: {}, db: join(directory, 'config.db'), port };
    await expect(createConfigServer({ ...options, metrics: { port } })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      message: `The options port and metrics.port (--port, --metrics-port) are both ${port}, which 127.0.0.1 and 127.0.0.1 cannot share. Choose another port for the metrics, or 0 for a free one.`,
    });
    expect(await readdir(directory)).toEqual([]);
  });

  // Other systems have no second loopback address, or let a port of all addresses be shared.
  it.runIf(process.platform === 'linux')('may have the port of the API on another address', async () => {
    const port = await freePort(0);
    const everywhere = { env: {}, port, metrics: { host: '0.0.0.0', port } };
    await expect(createConfigServer(everywhere)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
    const server = await startServer({ port, metrics: { host: '127.0.0.2', port } });
    expect(server.metricsUrl).toBe(`http://127.0.0.2:${port}/metrics`);
    expect((await fetch(server.metricsUrl ?? '')).status).toBe(200);
  });

  it('refuse a port that is taken, and leave nothing open', async () => {
    const { port } = new URL((await startServer()).url);
    await expect(createConfigServer({ env: {}, metrics: { port: Number(port) } })).rejects.toMatchObject({
      code: 'ERR_ADDRESS_UNAVAILABLE',
    });
  });
});
