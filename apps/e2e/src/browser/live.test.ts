import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyPorts, runCli, startDemo } from '../../../../scripts/demo.mjs';
import { launchBrowser, openPage, shownValue, untilShown, type WatchedPage } from './demo-page.ts';

type Demo = Awaited<ReturnType<typeof startDemo>>;
type App = 'next' | 'nest' | 'react';
const apps: App[] = ['next', 'nest', 'react'];

let folder: string;
let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smooai-config-demo-'));
  demo = await startDemo({ dataDir: folder, ports: anyPorts });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
  await rm(folder, { recursive: true, force: true });
});

const set = (assignment: string, value: string) =>
  runCli(['set', assignment, value, '--env', 'development', '--credentials', demo.credentialsFile]);

describe('the storefront without JavaScript', () => {
  it('has the right values in its HTML', async () => {
    const watched = await openPage(browser, demo.urls.next, {
      javaScriptEnabled: false,
      cookies: { country: 'NL' },
    });
    expect(await shownValue(watched.page, 'flag-newCheckout')).toBe('false');
    expect(await shownValue(watched.page, 'flag-theme')).toBe('light');
    expect(await shownValue(watched.page, 'flag-freeShipping')).toBe('true');
    expect(await shownValue(watched.page, 'limit-cartItems')).toBe('20');
    expect(await watched.page.getByTestId('public-supportEmail').first().textContent()).toContain(
      'hello@shop.example',
    );
    await watched.close();
  });
});

describe.each(apps)('the %s app in a browser', (app) => {
  it('shows the first values, follows each change without a reload, and never complains', async () => {
    const watched = await openPage(browser, demo.urls[app]);
    const { page } = watched;
    await untilShown(page, 'flag-newCheckout', 'false');
    await untilShown(page, 'limit-cartItems', '20');
    await untilShown(page, 'live-status', 'live');
    const marker = await markPage(watched);

    await set('flags.newCheckout', 'true');
    await untilShown(page, 'flag-newCheckout', 'true');
    await set('flags.theme', 'dark');
    await untilShown(page, 'flag-theme', 'dark');
    await set('limits.cartItems', '7');
    await untilShown(page, 'limit-cartItems', '7');
    expect(await page.getByTestId('change-log').first().textContent()).toContain('newCheckout');
    expect(await readMark(watched)).toBe(marker);

    await set('flags.newCheckout', 'false');
    await untilShown(page, 'flag-newCheckout', 'false');
    await set('flags.theme', 'light');
    await set('limits.cartItems', '20');
    await untilShown(page, 'limit-cartItems', '20');
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });

  it('never receives a secret, nor the name of one', async () => {
    const watched = await openPage(browser, demo.urls[app]);
    await untilShown(watched.page, 'live-status', 'live');
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
  it('gives each visitor the answer of their own context', async () => {
    const dutch = await openPage(browser, demo.urls.next, { cookies: { country: 'NL', userId: 'u-1' } });
    await untilShown(dutch.page, 'flag-freeShipping', 'true');
    // Bucket of "freeShipping:user-…" decides for the rest of the world; both halves exist among a few users.
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

/** A mark in the page's memory that a reload would wipe. */
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
