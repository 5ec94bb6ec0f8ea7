import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type ConfigClientEvent, createConfigClient } from '@smooai/config/server';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runScript, startScript } from './child-script.ts';
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
  untilSeen,
} from './live-shop.ts';
import { settingsVariables } from './settings-variables.ts';

const soon = { timeout: 60_000, interval: 5 };
let shop: Shop;
let environment: ShopEnvironment;

beforeEach(async () => {
  shop = await startShop();
  environment = await openEnvironment(shop, 'development');
  await environment.write(1);
});

afterEach(() => shop.server.close());

describe('clients in several processes and threads', () => {
  it('are independent: a child process and a worker thread end without an effect on the parent', async () => {
    const client = await start(makeClient(shop.credentials, here()));
    const fork = await startScript('process-client.mjs', settingsVariables(shop.credentials));
    onTestFinished(() => fork.stop());
    const fromFork = new ReceivedMessages();
    fork.child.on('message', (message) => fromFork.take(message));
    const worker = new Worker(new URL('./process-client.mjs', import.meta.url), {
      env: { ...process.env, ...settingsVariables(shop.credentials) },
    });
    onTestFinished(async () => void (await worker.terminate()));
    const fromWorker = new ReceivedMessages();
    worker.on('message', (message) => fromWorker.take(message));

    await Promise.all([fromFork.status('stream'), fromWorker.status('stream')]);
    await environment.write(2);
    await Promise.all([fromFork.left(2), fromWorker.left(2), untilSeen(client, 2)]);
    await worker.terminate();
    await fork.stop();
    await environment.write(3);
    await untilSeen(client, 3);
    await vi.waitFor(
      () => expect(client.health()).toMatchObject({ status: 'ready', transport: 'stream' }),
      soon,
    );
  });

  it.skipIf(process.platform === 'win32')(
    'reconnect after the process was suspended and its stream has died',
    async () => {
      const proxy = new FaultProxy(shop.server.url);
      const url = await proxy.listen();
      onTestFinished(() => proxy.close());
      const child = await startScript('process-client.mjs', {
        ...settingsVariables(shop.credentials, url),
        CLIENT_TIMES: JSON.stringify(times),
      });
      onTestFinished(() => child.stop());
      const received = new ReceivedMessages();
      child.child.on('message', (message) => received.take(message));
      await received.status('stream');
      await received.left(1);

      child.child.kill('SIGSTOP');
      // The network loses the connection meanwhile, without telling either side.
      proxy.silence();
      await environment.write(2);
      await pause(times.heartbeatTimeoutMs * 2);
      const before = received.messages.length;
      child.child.kill('SIGCONT');
      await received.left(2);
      expect(received.messages.slice(before)).toContainEqual({ status: 'disconnected', health: 'stale' });
      await vi.waitFor(() => expect(received.messages.at(-1)).not.toMatchObject({ health: 'stale' }), soon);
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
    await untilSeen(ours.client, 2);
    await theirs.write(102);
    await untilSeen(foreign.client, 102);
    expect([ours.client.flag('left'), ours.client.secret('paymentKey')]).toEqual([2, 'payment-key-2']);
    expect(ours.keys.length + foreign.keys.length).toBeGreaterThan(0);

    await other.server.close();
    await vi.waitFor(() => expect(foreign.client.health().status).toBe('stale'), soon);
    await environment.write(3);
    await untilSeen(ours.client, 3);
    expect(ours.client.health().status).toBe('ready');
    expect(ours.events.filter(({ type }) => type === 'connection')).not.toContainEqual(
      expect.objectContaining({ status: 'disconnected' }),
    );
    expect(foreign.client.flag('left')).toBe(102);
  });

  it('share only the token between two environments, and close independently', async () => {
    const staging = await openEnvironment(shop, 'staging');
    await staging.write(51);
    const [one, two] = [await openLive(shop), await openLive(shop, 'staging')];
    await environment.write(2);
    await untilSeen(one.client, 2);
    expect([two.client.flag('left'), two.keys]).toEqual([51, []]);
    await one.client.close();
    await staging.write(52);
    await untilSeen(two.client, 52);
    expect([one.client.flag('left'), one.client.health().status]).toEqual([2, 'closed']);
    expect(two.client.health().status).toBe('ready');
  });

  it.each(['closed', 'closed while it starts', 'never started', 'cut off', 'refused'])(
    'let their process end: %s',
    async (ending) => {
      const env = settingsVariables(shop.credentials);
      const onOutput = () => {
        if (ending === 'cut off') void shop.server.close();
      };
      const output = await runScript('ending-process.mjs', { args: [ending], env, onOutput });
      expect(output).toContain('the end');
    },
  );
});

/** The messages of a client in another process. */
class ReceivedMessages {
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

/** Starts a client with the settings that users pass, and records its events. */
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
