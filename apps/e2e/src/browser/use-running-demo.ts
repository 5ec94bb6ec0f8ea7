import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { anyPorts, runCli, startDemo } from '../../../../scripts/demo.mjs';
import { launchBrowser } from './watched-page.ts';

/** The config server, the three demo apps and a browser. */
export interface RunningDemo {
  readonly demo: Awaited<ReturnType<typeof startDemo>>;
  readonly browser: Browser;
  /** The folder of the demo's files. */
  readonly dataDir: string;
  /** Sets a value with the CLI. */
  readonly set: (key: string, value: string) => Promise<unknown>;
}

/** Starts the demo before the tests of a file and stops it after them. `current` is available in the tests. */
export function useRunningDemo(): { readonly current: RunningDemo } {
  const running: { current: RunningDemo } = { current: undefined as unknown as RunningDemo };
  const cleanups: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'smooai-config-demo-'));
    cleanups.unshift(() => rm(folder, { recursive: true, force: true }));
    const demo = await startDemo({ dataDir: folder, ports: anyPorts });
    cleanups.unshift(() => demo.stop());
    const browser = await launchBrowser();
    cleanups.unshift(() => browser.close());
    const credentials = ['--credentials', demo.credentialsFile];
    const set = (key: string, value: string) =>
      runCli(['set', key, value, '--env', 'development', ...credentials]);
    running.current = { demo, browser, dataDir: folder, set };
  });
  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup();
  });
  return running;
}
