import { describe, expect, it } from 'vitest';
import { useRunningDemo } from './use-running-demo.ts';
import { openPage, untilShown } from './watched-page.ts';

const running = useRunningDemo();

describe.each([
  ['stopped', { crash: false }],
  ['killed', { crash: true }],
])('while the config server is %s', (_, how) => {
  it('the apps keep the last values, and follow again when it is back', async () => {
    const { browser, demo, set } = running.current;
    // The browser itself reports the refused connections, which this test causes.
    const ignore = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|EventSource/;
    const open = (url: string) => openPage(browser, url, { ignore });
    const { next, nest, react } = demo.urls;
    const pages = { next: await open(next), nest: await open(nest), react: await open(react) };
    await set('flags.newCheckout', 'true');
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'true');

    await demo.stopServer(how);
    // The apps with a server of their own render new requests from the last values.
    for (const url of [next, nest]) {
      const fresh = await open(url);
      await untilShown(fresh.page, 'flag-newCheckout', 'true');
      await fresh.close();
    }
    // Open pages keep their values, and the back office says that it is not live.
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'true');
    await pages.react.page.locator('[data-testid="live-status"]:not([data-value="ready"])').first().waitFor({
      state: 'attached',
      timeout: 40_000,
    });

    await demo.startServer();
    await set('flags.newCheckout', 'false');
    for (const { page } of Object.values(pages)) await untilShown(page, 'flag-newCheckout', 'false', 90_000);
    for (const watched of Object.values(pages)) {
      expect(watched.complaints).toEqual([]);
      await watched.close();
    }
  });
});
