import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { useRunningDemo } from './use-running-demo.ts';
import { openPage, shownValue, untilShown, type WatchedPage } from './watched-page.ts';

const running = useRunningDemo();

describe('the storefront without JavaScript', () => {
  it('has a static shell, and the right values in the HTML of its holes', async () => {
    const { browser, demo } = running.current;
    const { page, close } = await openPage(browser, demo.urls.next, {
      javaScriptEnabled: false,
      cookies: { country: 'NL' },
    });
    const build = new URL('../../../next-demo/.next/prerender-manifest.json', import.meta.url);
    const { routes } = JSON.parse(await readFile(build, 'utf8'));
    expect(routes['/'].renderingMode).toBe('PARTIALLY_STATIC');
    expect(await page.getByText('Skerry Shell').isVisible()).toBe(true);
    // By its class: Playwright leaves noscript out of texts.
    expect(await page.locator('.cart-skeleton .notice').isVisible()).toBe(true);
    expect(await shownValue(page, 'flag-newCheckout')).toBe('false');
    expect(await shownValue(page, 'flag-theme')).toBe('light');
    expect(await shownValue(page, 'flag-freeShipping')).toBe('true');
    expect(await shownValue(page, 'limit-cartItems')).toBe('20');
    expect(await page.getByTestId('public-supportEmail').first().textContent()).toContain(
      'hello@shop.example',
    );
    await close();
  });
});

describe.each([
  ['next', 'ready'],
  ['nest', 'live'],
  ['react', 'ready'],
] as const)('the %s app in a browser', (app, live) => {
  it('shows the first values and follows each change without a reload or a console error', async () => {
    const { browser, demo, set } = running.current;
    const watched = await openPage(browser, demo.urls[app]);
    const { page } = watched;
    await untilShown(page, 'flag-newCheckout', 'false');
    await untilShown(page, 'limit-cartItems', '20');
    await untilShown(page, 'live-status', live);
    const mark = await markPage(watched);

    await set('flags.newCheckout', 'true');
    await untilShown(page, 'flag-newCheckout', 'true');
    await set('flags.theme', 'dark');
    await untilShown(page, 'flag-theme', 'dark');
    await set('limits.cartItems', '7');
    await untilShown(page, 'limit-cartItems', '7');
    expect(await page.getByTestId('change-log').first().textContent()).toContain('newCheckout');
    expect(await readMark(watched)).toBe(mark);

    await set('flags.newCheckout', 'false');
    await untilShown(page, 'flag-newCheckout', 'false');
    await set('flags.theme', 'light');
    await set('limits.cartItems', '20');
    await untilShown(page, 'limit-cartItems', '20');
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });

  it('never receives a secret or the name of a secret', async () => {
    const { browser, demo, set } = running.current;
    const watched = await openPage(browser, demo.urls[app]);
    await untilShown(watched.page, 'live-status', live);
    await set('secrets.paymentKey', 'demo-rotated-key-not-a-real-one');
    await set('flags.newCheckout', 'true');
    await untilShown(watched.page, 'flag-newCheckout', 'true');
    await set('flags.newCheckout', 'false');
    await untilShown(watched.page, 'flag-newCheckout', 'false');
    const received = await watched.received();
    expect(received).toContain('newCheckout');
    for (const secret of [
      'demo-payment-key-not-a-real-one',
      'demo-rotated-key-not-a-real-one',
      'shop:demo@db.internal.example',
      'paymentKey',
      'databaseUrl',
      'PAYMENT_KEY',
      'DATABASE_URL',
    ]) {
      expect(received.includes(secret), `the browser received "${secret}"`).toBe(false);
    }
    await watched.close();
  });
});

describe('targeting', () => {
  it('evaluates each visitor for their own context', async () => {
    const { browser, demo } = running.current;
    const dutch = await openPage(browser, demo.urls.next, { cookies: { country: 'NL', userId: 'u-1' } });
    await untilShown(dutch.page, 'flag-freeShipping', 'true');
    // Outside the Netherlands it is a 50 % rollout by user id, so a few users see both values.
    const seen = new Set<string | null>();
    for (let index = 0; index < 12 && seen.size < 2; index += 1) {
      const other = await openPage(browser, demo.urls.next, {
        javaScriptEnabled: false,
        cookies: { country: 'US', userId: `user-${index}` },
      });
      seen.add(await shownValue(other.page, 'flag-freeShipping'));
      await other.close();
    }
    expect(seen).toEqual(new Set(['false', 'true']));
    await dutch.close();
  });
});

/** Leaves a mark in the page that a reload would remove. */
async function markPage({ page }: WatchedPage): Promise<string> {
  const mark = String(Math.random());
  await page.evaluate((text) => {
    document.documentElement.dataset.testMark = text;
  }, mark);
  return mark;
}

function readMark({ page }: WatchedPage): Promise<string | undefined> {
  return page.evaluate(() => document.documentElement.dataset.testMark);
}
