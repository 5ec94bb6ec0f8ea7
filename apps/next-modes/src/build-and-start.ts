import { afterAll, afterEach, beforeAll } from 'vitest';
import { NextApp } from './next-app.ts';
import { ShopServer } from './shop-server.ts';

/** How long and how often tests look for a value that changes while an app runs. */
export const polling = { timeout: 60_000, interval: 250 };

/** What the tests of one app share. */
export interface BuiltApp {
  readonly app: NextApp;
  readonly server: ShopServer;
  /** The exit code of `next build`, and what it printed. */
  readonly build: { code: number | null; output: string };
  /** Starts the app with the values of the production environment. */
  start(env?: Record<string, string>): Promise<void>;
}

/** Builds an app before the tests of a file, with the values of the development environment, and stops it after each. */
export function builtApp(name: 'cached' | 'classic'): BuiltApp {
  const app = new NextApp(name);
  const parts: { server?: ShopServer; build?: BuiltApp['build'] } = {};

  beforeAll(async () => {
    parts.server = await ShopServer.start();
    parts.build = await app.build(parts.server.env('development'));
  });

  afterEach(() => app.stop());

  afterAll(async () => {
    await app.stop();
    await parts.server?.close();
  });

  return {
    app,
    get server() {
      return given(parts.server);
    },
    get build() {
      return given(parts.build);
    },
    start: (env = {}) => app.start({ ...given(parts.server).env('production'), ...env }),
  };
}

function given<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('The app was not built.');
  return part;
}
