import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type ConfigClientEvent, createConfigClient } from '@smooai/config/server';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startScript } from './child-script.ts';
import { FaultProxy } from './fault-proxy.ts';
import {
  config,
  makeClient,
  openEnvironment,
  type Shop,
  type ShopClient,
  type ShopEnvironment,
  startShop,
  times,
} from './live-shop.ts';

const soon = { timeout: 20_000, interval: 5 };
let shop: Shop;
let environment: ShopEnvironment;

beforeEach(async () => {
  shop = await startShop();
  environment = await openEnvironment(shop, 'development');
  await environment.write(1);
});

afterEach(() => shop.server.close());

describe('clients of several processes and threads', () => {
  it('live apart: a fork and a worker thread beside the process that made them', async () => {
    const client = await start(makeClient(shop.credentials, here()));
    const fork = await startScript('process-client.mjs', variables());
    onTestFinished(() => fork.stop());
    const heardByFork = new Heard();
    fork.child.on('message', (message) => heardByFork.take(message));
    const worker = new Worker(new URL('./process-client.mjs', import.meta.url), {
      env: { ...process.env, ...variables() },
    });
    onTestFinished(async () => void (await worker.terminate()));
    const heardByWorker = new Heard();
    worker.on('message', (message) => heardByWorker.take(message));

    await Promise.all([heardByFork.status('stream'), heardByWorker.status('stream')]);
    await environment.write(2);
    await Promise.all([heardByFork.left(2), heardByWorker.left(2), sees(client, 2)]);
    await worker.terminate();
    await fork.stop();
    await environment.write(3);
    await sees(client, 3);
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'stream' });
  });

  it.skipIf(process.platform === 'win32')(
    'notice on thaw that the stream of before the freeze is dead',
    async () => {
      const proxy = new FaultProxy(shop.server.url);
      const url = await proxy.listen();
      onTestFinished(() => proxy.close());
      const child = await startScript('process-client.mjs', {
        ...variables(url),
        CLIENT_TIMES: JSON.stringify(times),
      });
      onTestFinished(() => child.stop());
      const heard = new Heard();
      child.child.on('message', (message) => heard.take(message));
      await heard.status('stream');
      await heard.left(1);

      child.child.kill('SIGSTOP');
      // Whatever lies between has forgotten the connection meanwhile, and says nothing of it.
      proxy.strand();
      await environment.write(2);
      await pause(times.heartbeatTimeoutMs * 2);
      const before = heard.messages.length;
      child.child.kill('SIGCONT');
      await heard.left(2);
      expect(heard.messages.slice(before)).toContainEqual({ status: 'disconnected', health: 'stale' });
      await vi.waitFor(() => expect(heard.messages.at(-1)).not.toMatchObject({ health: 'stale' }), soon);
    },
  );

  it('share nothing between two organizations', async () => {
    const other = await startShop();
    onTestFinished(() => other.server.close());
    expect(other.credentials.organizationId).not.toBe(shop.credentials.organizationId);
    const theirs = await openEnvironment(other, 'development');
    await theirs.write(101);
    const [ours, foreign] = [await openLive(shop), await openLive(other)];
    await environment.write(2);
    await sees(ours.client, 2);
    await theirs.write(102);
    await sees(foreign.client, 102);
    expect([ours.client.flag('left'), ours.client.secret('paymentKey')]).toEqual([2, 'payment-key-2']);
    expect(ours.keys.length + foreign.keys.length).toBeGreaterThan(0);

    await other.server.close();
    await vi.waitFor(() => expect(foreign.client.health().status).toBe('stale'), soon);
    await environment.write(3);
    await sees(ours.client, 3);
    expect(ours.client.health().status).toBe('ready');
    expect(ours.events.filter(({ type }) => type === 'connection')).not.toContainEqual(
      expect.objectContaining({ status: 'disconnected' }),
    );
    expect(foreign.client.flag('left')).toBe(102);
  });

  it('share nothing but the token between two environments, and close apart', async () => {
    const staging = await openEnvironment(shop, 'staging');
    await staging.write(51);
    const [one, two] = [await openLive(shop), await openLive(shop, 'staging')];
    await environment.write(2);
    await sees(one.client, 2);
    expect([two.client.flag('left'), two.keys]).toEqual([51, []]);
    await one.client.close();
    await staging.write(52);
    await sees(two.client, 52);
    expect([one.client.flag('left'), one.client.health().status]).toEqual([2, 'closed']);
    expect(two.client.health().status).toBe('ready');
  });

  it.each(['closed', 'closed while it starts', 'never started', 'cut off', 'refused'])(
    'let their process end: %s',
    async (ending) => {
      const script = fileURLToPath(new URL('./ending-process.mjs', import.meta.url));
      const env = { ...process.env, ...variables() };
      const run = promisify(execFile)(process.execPath, [script, ending], { env, timeout: 20_000 });
      if (ending === 'cut off') {
        run.child.stdout?.once('data', () => void shop.server.close());
      }
      expect((await run).stdout).toContain('the end');
    },
  );
});

/** What a client of another process told. */
class Heard {
  readonly messages: unknown[] = [];

  take(message: unknown): void {
    this.messages.push(message);
  }

  status(status: string): Promise<void> {
    return this.#has({ status });
  }

  left(left: number): Promise<void> {
    return this.#has({ left });
  }

  #has(message: object): Promise<void> {
    return vi.waitFor(() => expect(this.messages).toContainEqual(expect.objectContaining(message)), soon);
  }
}

/** A client with the settings that users give, and what it tells. */
async function openLive({ credentials }: Shop, name = 'development') {
  const events: ConfigClientEvent[] = [];
  const keys: string[] = [];
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
  const client = createConfigClient({
    config,
    ...{ apiUrl, authUrl, organizationId, clientId, clientSecret },
    environment: name,
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => client.close());
  await client.ready();
  await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
  client.subscribe((change) => keys.push(...change.keys));
  return { client, events, keys };
}

async function start(client: ShopClient): Promise<ShopClient> {
  onTestFinished(() => client.close());
  return client.ready();
}

function here(): { url: string; environment: string } {
  return { url: shop.server.url, environment: 'development' };
}

function variables(url: string = shop.server.url): Record<string, string> {
  const { organizationId, clientId, clientSecret } = shop.credentials;
  return {
    SMOOAI_CONFIG_API_URL: url,
    SMOOAI_CONFIG_AUTH_URL: url,
    SMOOAI_CONFIG_ORG_ID: organizationId,
    SMOOAI_CONFIG_CLIENT_ID: clientId,
    SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
    SMOOAI_CONFIG_ENV: 'development',
  };
}

function sees(client: ShopClient, version: number): Promise<void> {
  return vi.waitFor(() => expect(client.flag('left')).toBe(version), soon);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
