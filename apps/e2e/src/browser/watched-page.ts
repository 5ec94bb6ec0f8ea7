import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../../../scripts/workspace.mjs';

/** A page that records what its browser receives and complains about. */
export interface WatchedPage {
  page: Page;
  /** Console errors and warnings, uncaught exceptions. */
  complaints: string[];
  /** The paths of all requests, without the page's own files. */
  requests: string[];
  /** The bodies of all responses and the data of all server-sent events. */
  received: () => Promise<string>;
  close: () => Promise<void>;
}

/** Starts the Chromium that is installed on this machine. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('No Chromium was found; set CHROMIUM_PATH.');
  return chromium.launch({
    timeout: 120_000,
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens a page in a browser context of its own. `ignore` matches complaints that a test expects. */
export async function openPage(
  browser: Browser,
  url: string,
  options: { javaScriptEnabled?: boolean; cookies?: Record<string, string>; ignore?: RegExp } = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ javaScriptEnabled: options.javaScriptEnabled ?? true });
  // Generous, for a busy machine.
  context.setDefaultTimeout(120_000);
  const cookies = Object.entries(options.cookies ?? {}).map(([name, value]) => ({ name, value, url }));
  await context.addCookies(cookies);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (options.ignore?.test(text) !== true) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  const requests: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    const isFile = pathname.startsWith('/_next/') || /\.(svg|ico|css|js)$/.test(pathname);
    if (!isFile) requests.push(pathname);
  });
  const bodies = collectBodies(page);
  const events = await collectEvents(context, page);
  await page.goto(url, { waitUntil: 'load' });
  return {
    page,
    complaints,
    requests,
    received: async () => [...(await Promise.all(bodies)), ...events].join('\n'),
    close: () => context.close(),
  };
}

function collectBodies(page: Page): Promise<string>[] {
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    const headers = JSON.stringify(response.headers());
    const isStream = response.headers()['content-type']?.includes('text/event-stream') === true;
    // A stream's body never ends; its events are collected separately.
    const body = isStream ? Promise.resolve('') : response.text().catch(() => '');
    bodies.push(body.then((text) => `${response.url()}\n${headers}\n${text}`));
  });
  return bodies;
}

async function collectEvents(context: BrowserContext, page: Page): Promise<string[]> {
  const events: string[] = [];
  const session = await context.newCDPSession(page);
  const add = (data: string | undefined): void => {
    if (data !== undefined) events.push(Buffer.from(data, 'base64').toString('utf8'));
  };
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (!response.mimeType.includes('event-stream')) return;
    session.send('Network.streamResourceContent', { requestId }).then(
      ({ bufferedData }) => add(bufferedData),
      // The stream has ended already.
      () => undefined,
    );
  });
  session.on('Network.dataReceived', ({ data }) => add(data));
  await session.send('Network.enable');
  return events;
}

/** Returns the value that a page shows for a test id: its `data-value`. */
export function shownValue(page: Page, testId: string): Promise<string | null> {
  return page.getByTestId(testId).first().getAttribute('data-value', { timeout: 60_000 });
}

/**
 * Waits until the page shows `value` for a test id, without a reload. The default is less than what a page or a process
 * without a working stream takes: it polls after 30 s and a few attempts, or opens the stream again after 45 s of silence.
 */
export async function untilShown(
  page: Page,
  testId: string,
  value: string,
  timeoutMs = 30_000,
): Promise<void> {
  await page
    .locator(`[data-testid="${testId}"][data-value="${value}"]`)
    .first()
    .waitFor({ state: 'attached', timeout: timeoutMs });
}
