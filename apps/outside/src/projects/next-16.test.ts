import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { hasChromium, openPage } from '../harness/browser.ts';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import { writeReadmeFiles } from '../harness/readme-files.ts';
import type { RunningProcess } from '../harness/running-process.ts';
import { ShopServer } from '../harness/shop-server.ts';

const name = 'next-16';
const flipTimeoutMs = 60_000;

describe(name, () => {
  const project = new OutsideProject(name);
  let server: ShopServer;
  let url: string;
  let app: RunningProcess;

  beforeAll(async () => {
    const flags = ['--yes', '--use-npm', '--disable-git', '--skip-install'];
    await project.generate(['npx', '-y', 'create-next-app@16', name, ...flags]);
    await project.install(
      ['@smooai/config', '@smooai/config-react', '@smooai/config-next', '@smooai/config-cli'],
      [catalog('zod'), catalog('vitest')],
    );
    // The layout without the lines for Google's fonts.
    await project.overlay('next-16-template');
  });

  afterAll(() => project.close());

  async function start(): Promise<void> {
    const port = await freePort(0);
    url = `http://127.0.0.1:${port}`;
    app = project.start(['npx', 'next', 'start', '--hostname', '127.0.0.1', '--port', String(port)]);
    await app.responds(url);
  }

  describe("the README's code as it is", () => {
    let files: Map<string, string>;

    beforeAll(async () => {
      files = await writeReadmeFiles(project, '@smooai/config-next');
      expect([...files.keys()]).toEqual(
        expect.arrayContaining(['app/schema.ts', 'app/config.ts', 'app/checkout.tsx', 'app/page.tsx']),
      );
    });

    it('builds, with cacheComponents as the template sets it', async () => {
      await project.run(['npm', 'run', 'build']);
    });

    it('has a schema that the CLI can push', async () => {
      const [schemaFile] = [...files].find(([, code]) => code.includes('defineConfig({')) ?? [''];
      await (await ShopServer.startEmpty(project)).push(schemaFile);
    });
  });

  it('runs its tests with Vitest', async () => {
    await project.overlay(name);
    const { output } = await project.run(['npx', 'vitest', 'run']);
    expect(output).toMatch(/Tests\s+2 passed/);
  });

  it('compiles and builds, without a config server', async () => {
    await project.run(['npm', 'run', 'build']);
  });

  it('starts, with the values in the HTML', async () => {
    server = await ShopServer.start(project, 'app/schema.ts');
    await project.write('.env', await server.createServerClient());
    await start();
    const html = await pageAt(url);
    expect(html).toContain('The old checkout');
    expect(html).toContain('Two steps');
    expect(html).toContain('help@shop.example');
    expect(html).not.toContain('payment-key-1');
  });

  it('follows a flip by the CLI: the HTML, and a page that is open', async () => {
    const open = hasChromium ? await openPage(url) : undefined;
    if (open !== undefined) project.stopAtEnd(open);
    await open?.page.getByText('Two steps').waitFor({ timeout: flipTimeoutMs });
    await server.set('flags.newCheckout', 'true');
    await expect.poll(() => pageAt(url), { timeout: flipTimeoutMs }).toContain('The new checkout');
    expect(await pageAt(url)).toContain('One step');
    await open?.page.getByText('One step').waitFor({ timeout: flipTimeoutMs });
    expect(open?.complaints ?? []).toEqual([]);
  });

  it("follows a flip in a page of 'use cache', which a build has stored", async () => {
    await app.stop();
    await project.overlay('next-16-use-cache');
    await project.run(['npm', 'run', 'build']);
    await start();
    const about = `${url}/about`;
    expect(await pageAt(about)).toContain('help@shop.example');
    await server.set('flags.newCheckout', 'false');
    await expect.poll(() => pageAt(about), { timeout: flipTimeoutMs }).toContain('The old checkout');
  });
});

async function pageAt(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  expect(response.status).toBe(200);
  return response.text();
}
