import type { BrowserContext, Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from './tcp-proxy.ts';
import { useRunningDemo } from './use-running-demo.ts';
import { untilShown } from './watched-page.ts';

const running = useRunningDemo();
let proxy: TcpProxy;
let context: BrowserContext;
/** What the page is given as its settings. */
let settings: { apiUrl: string };
/** Console errors and warnings and uncaught exceptions of all tabs. */
let complaints: string[];
/** The complaints that a test provokes. */
let provoked: RegExp | undefined;

beforeEach(async () => {
  const { browser, demo } = running.current;
  settings = (await (await fetch(`${demo.urls.react}/settings.json`)).json()) as { apiUrl: string };
  proxy = new TcpProxy(new URL(settings.apiUrl));
  settings.apiUrl = await proxy.listen();
  context = await browser.newContext();
  context.setDefaultTimeout(120_000);
  complaints = [];
  provoked = undefined;
  context.on('console', (message) => {
    if (/error|warning/.test(message.type())) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  await context.route('**/settings.json', (route) => route.fulfill({ json: settings }));
  await running.current.set('flags.newCheckout', 'false');
});
afterEach(async () => {
  await context.close();
  await proxy.close();
  expect(complaints.filter((text) => !provoked?.test(text))).toEqual([]);
});

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(running.current.demo.urls.react);
  return page;
}

async function openTabs(count: number): Promise<Page[]> {
  const pages: Page[] = [];
  // One after the other, so that the last one leads.
  for (let index = 0; index < count; index++) {
    const page = await openTab();
    await untilShown(page, 'live-status', 'ready');
    pages.push(page);
  }
  return pages;
}

async function send(
  page: Page,
  method: 'Page.crash' | 'Page.setWebLifecycleState',
  state?: 'frozen' | 'active',
) {
  const session = await context.newCDPSession(page);
  if (method === 'Page.crash') void session.send(method).catch(() => undefined);
  else await session.send(method, { state: state ?? 'active' });
}

/** Hides or shows a tab as far as its scripts can see. A headless browser shows all of its tabs. */
function setHidden(page: Page, isHidden: boolean): Promise<void> {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, isHidden);
}

/** Keeps the main thread of a page busy, so that it neither runs a timer nor receives an event. */
function block(page: Page, durationMs: number): void {
  const blocked = page.evaluate((ms) => {
    const end = Date.now() + ms;
    while (Date.now() < end);
  }, durationMs);
  // The test closes the page in the middle.
  blocked.catch(() => undefined);
}

const allShow = (pages: Page[], value: string): Promise<unknown> =>
  Promise.all(pages.map((page) => untilShown(page, 'flag-newCheckout', value, 60_000)));

describe('tabs with the same values', () => {
  it('share one stream: eight of them load and follow over HTTP/1.1', async () => {
    const pages = await openTabs(8);
    await expect.poll(() => proxy.streams).toBe(1);
    await running.current.set('flags.newCheckout', 'true');
    await allShow(pages, 'true');
  });

  it.each<[string, (leader: Page) => Promise<unknown>]>([
    ['closes', (leader) => leader.close()],
    ['crashes', (leader) => send(leader, 'Page.crash')],
    ['freezes', (leader) => send(leader, 'Page.setWebLifecycleState', 'frozen')],
    ['goes to another page', (leader) => leader.goto('about:blank')],
  ])('pass the lead on when the leading one %s', async (_, end) => {
    // Not by the silence, which would take 45 s by default.
    Object.assign(settings, { silenceTimeoutMs: 600_000 });
    const others = await openTabs(3);
    await end(others.pop() as Page);
    // Changed while nobody may be leading yet.
    await running.current.set('flags.newCheckout', 'true');
    await allShow(others, 'true');
    await expect.poll(() => proxy.streams).toBe(1);
    await running.current.set('flags.newCheckout', 'false');
    await allShow(others, 'false');
  });

  it('pass the lead on to a tab that is seen when the leading one is hidden, with nothing lost', async () => {
    const [other, leader] = (await openTabs(2)) as [Page, Page];
    expect(proxy.opened).toBe(2);
    await setHidden(leader, true);
    await running.current.set('flags.newCheckout', 'true');
    await allShow([leader, other], 'true');
    await expect.poll(() => [proxy.opened, proxy.streams]).toEqual([3, 1]);
    // The other one has the stream by now, so the end of the first changes nothing.
    await leader.close();
    await running.current.set('flags.newCheckout', 'false');
    await allShow([other], 'false');
    expect([proxy.opened, proxy.streams]).toEqual([3, 1]);
  });

  it('take the lead from a hidden one when they are seen', async () => {
    const [other, leader] = (await openTabs(2)) as [Page, Page];
    await setHidden(other, true);
    await setHidden(leader, true);
    await setHidden(other, false);
    await expect.poll(() => [proxy.opened, proxy.streams]).toEqual([3, 1]);
    await running.current.set('flags.newCheckout', 'true');
    await allShow([leader, other], 'true');
  });

  it('replace a leading one that hangs, which follows once it responds again', async () => {
    Object.assign(settings, { silenceTimeoutMs: 20_000 });
    const [other, leader] = (await openTabs(2)) as [Page, Page];
    block(leader, 45_000);
    await running.current.set('flags.newCheckout', 'true');
    await allShow([other], 'true');
    await allShow([leader], 'true');
    await expect.poll(() => proxy.streams).toBe(1);
    await running.current.set('flags.newCheckout', 'false');
    await allShow([leader, other], 'false');
  });

  it('have a stream of their own for another context', async () => {
    const [first, second] = (await openTabs(2)) as [Page, Page];
    await second.getByTestId('shopper-country').selectOption('BE');
    await expect.poll(() => proxy.streams).toBe(2);
    await running.current.set('flags.newCheckout', 'true');
    await allShow([first, second], 'true');
  });
});

describe('a page', () => {
  it('notices a line that is silent without being closed', async () => {
    const [page] = (await openTabs(1)) as [Page];
    proxy.silence();
    await running.current.set('flags.newCheckout', 'true');
    await untilShown(page, 'flag-newCheckout', 'true', 120_000);
    await untilShown(page, 'live-status', 'ready');
  });

  it('says that it is offline, and has the new value when it is back', async () => {
    Object.assign(settings, { silenceTimeoutMs: 600_000 });
    const [page] = (await openTabs(1)) as [Page];
    provoked = /net::ERR_INTERNET_DISCONNECTED/;
    await context.setOffline(true);
    await untilShown(page, 'live-status', 'offline');
    await running.current.set('flags.newCheckout', 'true');
    await context.setOffline(false);
    await untilShown(page, 'flag-newCheckout', 'true');
    await untilShown(page, 'live-status', 'ready');
  });

  it('shows the values of the last of several contexts', async () => {
    const [page] = (await openTabs(1)) as [Page];
    const country = page.getByTestId('shopper-country');
    for (const code of ['BE', 'DE', 'FR', 'NL', 'BE', 'NL']) await country.selectOption(code);
    await page.locator('.values[aria-busy="false"]').waitFor();
    await untilShown(page, 'flag-freeShipping', 'true');
    await expect.poll(() => proxy.streams).toBe(1);
  });

  it('says why the server refuses it', async () => {
    const { demo } = running.current;
    provoked = /status of 401/;
    await context.route('**/settings.json', async (route) => {
      const settings = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...settings, publishableKey: 'pk_wrong' } });
    });
    const page = await openTab();
    await untilShown(page, 'live-status', 'refused');
    expect(await page.getByRole('alert').textContent()).toContain(new URL(demo.urls.react).origin);
  });
});
