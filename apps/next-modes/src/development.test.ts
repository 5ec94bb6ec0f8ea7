import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AppCopy } from './app-copy.ts';
import { CountingProxy } from './counting-proxy.ts';
import { NextApp } from './next-app.ts';
import { ShopServer } from './shop-server.ts';

const polling = { timeout: 120_000, interval: 100 };

describe('next dev', () => {
  let server: ShopServer;
  let copy: AppCopy;
  let app: NextApp;

  beforeAll(async () => {
    server = await ShopServer.start();
  });

  afterEach(async () => {
    await app?.stop();
    await copy?.remove();
  });

  afterAll(() => server?.close());

  async function startCopy(name: 'cached' | 'classic', env: Record<string, string>): Promise<void> {
    copy = await AppCopy.create(name);
    app = new NextApp(copy.folder);
    await app.start({ ...server.env('production'), ...env }, 'dev');
  }

  it('keeps one client and one stream over 50 edits of the file with the configuration and of a page', async () => {
    const target = server.env('production').SMOOAI_CONFIG_API_URL ?? '';
    const proxy = await CountingProxy.start(target);
    await startCopy('cached', { SMOOAI_CONFIG_API_URL: proxy.url(target) });
    const page = async (): Promise<string> => textIn((await app.get('/server', 'beta-user')).text);
    await expect.poll(page, polling).toContain('server: beta');
    const [pageFile, configFile] = ['cached/app/server/page.tsx', 'shared/config.ts'] as const;
    await copy.edit(configFile, /$/, '\nexport const EDIT = 0;\n');
    await copy.edit(pageFile, /import \{ flag,/, 'import { EDIT, flag,');
    await copy.edit(pageFile, /server: /, `page 0, config ${'$'}{EDIT}, server: `);
    for (let edit = 1; edit <= 25; edit++) {
      await copy.edit(configFile, /EDIT = \d+/, `EDIT = ${edit}`);
      await copy.edit(pageFile, /page \d+,/, `page ${edit},`);
      await expect.poll(page, polling).toContain(`page ${edit}, config ${edit}, server: beta`);
    }
    await expect.poll(() => proxy.streams.open, polling).toBe(1);
    // A slow machine may have lost and opened it again.
    expect(proxy.streams.opened).toBeLessThan(5);
    proxy.close();
  });

  it('says in one line that the config server is down, and not for each request', async () => {
    await startCopy('cached', { SMOOAI_CONFIG_API_URL: 'http://127.0.0.1:9' });
    for (let request = 0; request < 3; request++) {
      expect((await app.get('/server')).text).toContain('Static heading');
      expect((await app.get('/')).text).toContain('client: stable');
    }
    const lines = (): string[] =>
      app.output.split('\n').filter((line) => line.includes('ReadyTimeoutError: The config client'));
    // What a process prints can arrive after its response.
    await expect.poll(lines, polling).not.toEqual([]);
    expect(lines()).toHaveLength(1);
    // What `'use cache'` throws is copied by React, and printed without the mark of the first report.
    expect(app.output).not.toMatch(/process-client|lifecycle|\[cause\]/);
  });

  it('says which read made a page dynamic, once for each route', async () => {
    await startCopy('classic', {});
    for (const path of ['/', '/', '/isr', '/api/edge']) await app.get(path);
    const lines = (): string[] =>
      app.output.split('\n').filter((line) => line.includes('is rendered for each request'));
    await expect.poll(lines, polling).not.toEqual([]);
    expect(lines()).toEqual([
      expect.stringContaining("/ is rendered for each request, because of flag('betaShop')"),
    ]);
  });
});

/** The first paragraphs of a page, for short failure messages. */
function textIn(html: string): string {
  return [...html.matchAll(/<p>([^<]*)<\/p>/g)].map(([, text]) => text).join('; ') || html.slice(-500);
}
