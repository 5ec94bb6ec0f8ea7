import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../../../scripts/workspace.mjs';

/** Whether this machine has a Chromium; without one, projects only build and run their own tests. */
export const hasChromium = findChromium() !== undefined;

/** A page and everything that its browser complained about. */
export interface WatchedPage {
  page: Page;
  /** Console errors and warnings, and uncaught exceptions. */
  complaints: string[];
  /** Closes the page and its browser. */
  stop(): Promise<void>;
}

/** Opens a page in a Chromium of its own. */
export async function openPage(url: string): Promise<WatchedPage> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('No Chromium was found; set CHROMIUM_PATH.');
  const browser: Browser = await chromium.launch({
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
  const stop = (): Promise<void> => browser.close();
  try {
    const page = await browser.newPage();
    // Generous, for a busy machine.
    page.setDefaultTimeout(120_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url, { waitUntil: 'load', timeout: 120_000 });
    return { page, complaints, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
