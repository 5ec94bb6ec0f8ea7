import type { WebhookOptions } from '@smooai/config-server';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import type { Build } from './builds.ts';
import { NextApp } from './next-app.ts';
import { ShopServer } from './shop-server.ts';

/** How long and how often tests look for a value that changes while an app runs. */
export const polling = { timeout: 60_000, interval: 250 };
/** For what comes with a webhook: the config server may wait a minute between two attempts. */
export const patient = { timeout: 180_000, interval: 250 };

/** What the tests of one app share. */
export interface BuiltApp {
  readonly app: NextApp;
  readonly server: ShopServer;
  /** The build of `builds.ts`, with the values of the development environment. */
  readonly build: Build;
  /** Starts the app with the values of the production environment. */
  start(env?: Record<string, string>): Promise<void>;
}

/**
 * An app that was built for all test files, with a config server for those of one file. It is stopped after each test.
 * @param webhooks - those of the config server, read when it starts
 */
export function builtApp(name: 'cached' | 'classic', webhooks: () => WebhookOptions[] = () => []): BuiltApp {
  const app = new NextApp(name);
  let server: ShopServer | undefined;
  const running = (): ShopServer => {
    if (server === undefined) throw new Error('The config server was not started.');
    return server;
  };

  beforeAll(async () => {
    server = await ShopServer.start(webhooks());
  });

  afterEach(() => app.stop());

  afterAll(async () => {
    await app.stop();
    await server?.close();
  });

  return {
    app,
    get server() {
      return running();
    },
    build: inject('builds')[name],
    start: (env = {}) => app.start({ ...running().env('production'), ...env }),
  };
}
