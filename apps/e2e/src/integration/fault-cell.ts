import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { FaultProxy } from './fault-proxy.ts';
import {
  heartbeat,
  makeApi,
  makeClient,
  openEnvironment,
  Reader,
  type Shop,
  type ShopEnvironment,
  startShop,
} from './live-shop.ts';

/** When the fault of a test begins: before the client starts, while it polls, or while it streams. */
export const moments = ['start', 'polling', 'stream'] as const;
export type Moment = (typeof moments)[number];

type OnEnd = (end: () => Promise<void>) => void;

let cells = 0;

/** Creates a client with its own proxy and its own environment, whose newest version is 1. */
export async function openCell(shop: Shop, moment: Moment, onEnd: OnEnd) {
  cells += 1;
  const environment = await openEnvironment(shop, `cell-${cells}`);
  await environment.write(1);
  const proxy = new FaultProxy(shop.server.url);
  const url = await proxy.listen();
  proxy.refuseStreams = moment === 'polling';
  const client = makeClient(shop.credentials, { url, environment: environment.name });
  const reader = new Reader(client);
  onEnd(async () => {
    reader.stop();
    await client.close();
    await proxy.close();
  });
  return { environment, proxy, client, reader };
}

/** A server whose database can be replaced by an older copy. */
export class RestorableShop {
  readonly #folder: string;
  readonly #shop: Shop;
  #server: ConfigServer;

  private constructor(folder: string, shop: Shop) {
    this.#folder = folder;
    this.#shop = shop;
    this.#server = shop.server;
  }

  static async start(onEnd: OnEnd): Promise<RestorableShop> {
    const folder = await mkdtemp(join(tmpdir(), 'smooai-restored-'));
    const shop = new RestorableShop(folder, await startShop({ db: join(folder, 'live', 'config.db') }));
    onEnd(async () => {
      await shop.stop();
      await rm(folder, { recursive: true, force: true });
    });
    return shop;
  }

  get shop(): Shop {
    return this.#shop;
  }

  stop(): Promise<void> {
    return this.#server.close();
  }

  /** Copies the database. The server must be stopped. */
  backUp(): Promise<void> {
    return cp(join(this.#folder, 'live'), join(this.#folder, 'backup'), { recursive: true });
  }

  /** Replaces the database with the copy. The server must be stopped. */
  async restore(): Promise<void> {
    await rm(join(this.#folder, 'live'), { recursive: true });
    await cp(join(this.#folder, 'backup'), join(this.#folder, 'live'), { recursive: true });
  }

  /** Starts the server on another port and points the proxy to it. */
  async startBehind(proxy: FaultProxy): Promise<void> {
    const db = join(this.#folder, 'live', 'config.db');
    this.#server = await createConfigServer({ db, env: {}, streams: heartbeat });
    proxy.target = this.#server.url;
  }

  /** Opens an environment of the server that runs now. */
  environment(name: string): Promise<ShopEnvironment> {
    const { credentials, schemaId } = this.#shop;
    return openEnvironment({ api: makeApi(credentials, this.#server.url), schemaId }, name);
  }
}
