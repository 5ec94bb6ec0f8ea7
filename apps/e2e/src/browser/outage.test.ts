import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyPorts, runCli, startDemo } from '../../../../scripts/demo.mjs';
import { launchBrowser, openPage, untilShown } from './demo-page.ts';

type Demo = Awaited<ReturnType<typeof startDemo>>;

let folder: string;
let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smooai-config-outage-'));
  demo = await startDemo({ dataDir: folder, ports: anyPorts });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
  await rm(folder, { recursive: true, force: true });
});

const set = (key: string, value: string) =>
  runCli(['set', key, value, '--env', 'development', '--credentials', demo.credentialsFile]);

describe.each([
  ['asked to end', { crash: false }],
  ['killed', { crash: true }],
])('the config server %s', (_, how) => {
  it('leaves the apps with the last values, and they follow when it is back', async () => {
    // The browser itself reports a refused connection of the back office as an error; that is what this test causes.
    const ignore = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|EventSource/;
    const open = (url: string) => openPage(browser, url, { ignore });
    const { next, nest, react } = demo.urls;
    const pages = { next: await open(next), nest: await open(nest), react: await open(react) };
    await set('flags.newCheckout', 'true');
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'true');

    await demo.stopServer(how);
    // Those with a server of their own render new requests from the last values.
    for (const url of [next, nest]) {
      const fresh = await open(url);
      await untilShown(fresh.page, 'flag-newCheckout', 'true');
      await fresh.close();
    }
    // Pages that are open keep what they show; the back office says that it is not live.
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'true');
    await pages.react.page.locator('[data-testid="live-status"]:not([data-value="live"])').first().waitFor({
      state: 'attached',
      timeout: 20_000,
    });

    await demo.startServer();
    await set('flags.newCheckout', 'false');
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'false', 45_000);
    for (const watched of Object.values(pages)) {
      expect(watched.complaints).toEqual([]);
      await watched.close();
    }
  });
});
