import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, openPage, type WatchedPage } from '../../e2e/src/browser/watched-page.ts';
import { NextApp } from './next-app.ts';
import { onlyFor, ShopServer } from './shop-server.ts';

const STREAM = '/api/config/stream';
const polling = { timeout: 60_000, interval: 250 };

interface Mode {
  readonly path: string;
  /** What reads configuration in this page. */
  readonly sides: readonly ('server' | 'client' | 'shared' | 'private')[];
  /** Sides whose HTML is the same for all visitors. The rest is that of the visitor. */
  readonly forEveryone?: readonly string[];
  /** Sides that show a change without a reload. */
  readonly live: readonly string[];
  /** Sides that show a change after a reload, though not live. */
  readonly atReload?: readonly string[];
  /** Sides in a hole that React fills by a script, so that a browser without JavaScript shows the fallback. */
  readonly inHole?: readonly string[];
}

const cachedModes: Mode[] = [
  {
    path: '/server',
    sides: ['server', 'private'],
    live: [],
    atReload: ['server', 'private'],
    inHole: ['server', 'private'],
  },
  { path: '/', sides: ['client'], live: ['client'], inHole: ['client'] },
  { path: '/both', sides: ['server', 'client'], live: ['server', 'client'], inHole: ['server', 'client'] },
  { path: '/cached', sides: ['shared'], forEveryone: ['shared'], live: [], atReload: ['shared'] },
  { path: '/cached/client', sides: ['client'], forEveryone: ['client'], live: [], atReload: ['client'] },
  {
    path: '/cached/both',
    sides: ['shared', 'client'],
    forEveryone: ['shared'],
    live: ['shared', 'client'],
    inHole: ['client'],
  },
];
const classicModes: Mode[] = [
  { path: '/server', sides: ['server'], live: [], atReload: ['server'] },
  { path: '/client', sides: ['client'], live: ['client'] },
  { path: '/both', sides: ['server', 'client'], live: ['server', 'client'] },
  { path: '/force-static/client', sides: ['client'], forEveryone: ['client'], live: ['client'] },
  {
    path: '/force-static/both',
    sides: ['server', 'client'],
    forEveryone: ['server', 'client'],
    live: ['client'],
    atReload: ['server'],
  },
  { path: '/isr/client', sides: ['client'], forEveryone: ['client'], live: ['client'] },
  {
    path: '/isr/both',
    sides: ['server', 'client'],
    forEveryone: ['server', 'client'],
    live: ['client'],
    atReload: ['server'],
  },
  { path: '/legacy/server', sides: ['server'], live: [], atReload: ['server'] },
  { path: '/legacy', sides: ['client'], live: ['client'] },
  { path: '/legacy/both', sides: ['server', 'client'], live: ['client'], atReload: ['server'] },
];

describe.each([
  ['cached', cachedModes],
  ['classic', classicModes],
] as const)('the %s app in a browser', (name, modes) => {
  const app = new NextApp(name);
  let server: ShopServer;
  let browser: Awaited<ReturnType<typeof launchBrowser>>;

  beforeAll(async () => {
    server = await ShopServer.start();
    await app.start(server.env('production'));
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await app.stop();
    await server?.close();
  });

  const open = (path: string, userId: string, javaScriptEnabled = true): Promise<WatchedPage> =>
    openPage(browser, `${app.url}${path}`, { cookies: { userId }, javaScriptEnabled });

  it.each(modes)('$path has the value of the visitor in its HTML', async ({ path, sides, forEveryone }) => {
    for (const [userId, word] of [
      ['beta-user', 'beta'],
      ['someone', 'stable'],
    ] as const) {
      const { text } = await app.get(path, userId);
      for (const side of sides) {
        expect(text).toContain(`${side}: ${forEveryone?.includes(side) ? 'stable' : word}`);
      }
    }
  });

  it.each(modes)('$path shows it without JavaScript, or the fallback of its hole', async (mode) => {
    const { page, close } = await open(mode.path, 'beta-user', false);
    const shown = await shownText(page);
    for (const side of mode.sides) {
      if (mode.inHole?.includes(side)) expect(shown).toContain('hole');
      else expect(shown).toContain(`${side}: ${mode.forEveryone?.includes(side) ? 'stable' : 'beta'}`);
    }
    await close();
  });

  it('each page hydrates without a warning, requests nothing but the stream, and follows a change', async () => {
    const opened = new Map<Mode, WatchedPage>();
    for (const mode of modes) opened.set(mode, await open(mode.path, 'someone'));
    for (const [{ path, sides, live }, watched] of opened) {
      for (const side of sides) await untilShown(watched, `${side}: stable`);
      const stream = live.length > 0 ? [STREAM] : [];
      await expect.poll(() => watched.requests, polling).toEqual([path, ...stream]);
    }

    await server.set('production', 'feature_flag', ['betaShop', true]);
    for (const [{ sides, live, atReload = [] }, watched] of opened) {
      for (const side of live) await untilShown(watched, `${side}: beta`);
      for (const side of sides) {
        if (atReload.includes(side)) await untilReloadShows(watched, `${side}: beta`);
      }
    }
    for (const [{ path }, watched] of opened) {
      expect(watched.complaints, path).toEqual([]);
      await watched.close();
    }
    await server.set('production', 'feature_flag', ['betaShop', onlyFor('beta-user')]);
  });
});

async function untilShown({ page }: WatchedPage, text: string): Promise<void> {
  await page.getByText(text).first().waitFor({ state: 'visible', timeout: 60_000 });
}

async function untilReloadShows({ page }: WatchedPage, text: string): Promise<void> {
  const reloaded = async (): Promise<string> => {
    await page.reload();
    return shownText(page);
  };
  await expect.poll(reloaded, { timeout: 90_000, interval: 500 }).toContain(text);
}

/** What a visitor sees. The text content has hidden holes and scripts too. */
function shownText(page: WatchedPage['page']): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: see above
  return page.locator('body').innerText();
}
