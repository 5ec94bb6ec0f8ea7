import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { hasChromium, openPage } from '../harness/browser.ts';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import { ShopServer } from '../harness/shop-server.ts';

const host = '127.0.0.1';
const pageTimeoutMs = 60_000;

const darkInBelgium = {
  $cohort: {
    rules: [{ id: 'be', when: { attribute: 'country', op: 'in', values: ['BE'] }, value: 'dark' }],
    defaultValue: 'light',
  },
};

/** Vite's own React template, with the packages and these versions of React. */
export function viteReact(name: string, react: string[]): void {
  describe(name, () => {
    const project = new OutsideProject(name);

    beforeAll(async () => {
      const template = ['--template', 'react-ts', '--no-interactive'];
      await project.generate(['npm', 'create', '-y', 'vite@9.3', name, '--', ...template]);
      await project.overlay('vite-react');
      await project.install(
        ['@smooai/config', '@smooai/config-react', '@smooai/config-cli'],
        [
          ...react,
          catalog('zod'),
          catalog('vitest'),
          catalog('jsdom'),
          catalog('@testing-library/react'),
          catalog('@testing-library/dom'),
        ],
      );
    });

    afterAll(() => project.close());

    it('runs its tests with Vitest', async () => {
      const { output } = await project.run(['npx', 'vitest', 'run']);
      expect(output).toMatch(/Tests\s+1 passed/);
    });

    it('compiles and builds', async () => {
      await project.run(['npm', 'run', 'build']);
    });

    it('does not build once a module imports the schema, and says which one', async () => {
      const main = await project.read('src/main.tsx');
      await project.write(
        'src/main.tsx',
        `import { config } from './config.ts';\nconsole.log(config);\n${main}`,
      );
      const build = project.run(['npx', 'vite', 'build']);
      await expect(build).rejects.toThrow(/src\/main\.tsx:1: .*"import type"/);
      await project.write('src/main.tsx', main);
    });

    describe.skipIf(!hasChromium)('in a browser', () => {
      let server: ShopServer;
      let port: number;
      let url: string;

      beforeAll(async () => {
        server = await ShopServer.start(project, 'src/config.ts');
        await server.setTargeting('flags.theme', darkInBelgium);
        port = await freePort(0);
        url = `http://${host}:${port}`;
        const settings = {
          VITE_CONFIG_API_URL: server.url,
          VITE_CONFIG_ORG_ID: server.organizationId,
          VITE_CONFIG_PUBLISHABLE_KEY: await server.createBrowserClient(url),
        };
        const lines = Object.entries(settings).map(([variable, value]) => `${variable}=${value}\n`);
        await project.write('.env.local', lines.join(''));
      });

      it('follows a flip by the CLI and a new context in a page that is open', async () => {
        await project.run(['npm', 'run', 'build']);
        const preview = ['vite', 'preview', '--host', host, '--port', String(port), '--strictPort'];
        await project.start(['npx', ...preview]).responds(url);
        const open = await openPage(url);
        project.stopAtEnd(open);
        const { page, complaints } = open;
        const heading = page.getByRole('heading');
        await heading.getByText('Two steps').waitFor({ timeout: pageTimeoutMs });
        expect(await page.getByRole('link').getAttribute('href')).toBe('mailto:help@shop.example');
        await server.set('flags.newCheckout', 'true');
        await heading.getByText('One step').waitFor({ timeout: pageTimeoutMs });

        await page.locator('main[data-theme="light"]').waitFor();
        await page.getByRole('button').click();
        await page.locator('main[data-theme="dark"]').waitFor({ timeout: pageTimeoutMs });
        expect(complaints).toEqual([]);
      });

      it('reports what it has shown, and says that it is offline', async () => {
        const open = await openPage(url);
        project.stopAtEnd(open);
        const { page } = open;
        await page
          .locator('main[data-status="ready"][data-theme="light"]')
          .waitFor({ timeout: pageTimeoutMs });
        await page.locator('body[data-exposures="theme: light;"]').waitFor({ timeout: pageTimeoutMs });
        await page.context().setOffline(true);
        await page.locator('main[data-status="offline"]').waitFor({ timeout: pageTimeoutMs });
        await page.context().setOffline(false);
        await page.locator('main[data-status="ready"]').waitFor({ timeout: pageTimeoutMs });
      });

      it('starts with its last values while the server is away', async () => {
        const open = await openPage(url);
        project.stopAtEnd(open);
        const { page } = open;
        await page.locator('main[data-status="ready"]').waitFor({ timeout: pageTimeoutMs });
        const heading = await page.getByRole('heading').textContent();
        await page.route(`${server.url}/**`, (route) => route.abort());
        await page.reload();
        await page.locator('main[data-status="stale"]').waitFor({ timeout: pageTimeoutMs });
        expect(await page.getByRole('heading').textContent()).toBe(heading);
      });

      it('says in development which setting to mend when the server refuses the origin', async () => {
        const otherPort = await freePort(0);
        const otherUrl = `http://${host}:${otherPort}`;
        const dev = ['vite', '--host', host, '--port', String(otherPort), '--strictPort'];
        await project.start(['npx', ...dev]).responds(otherUrl);
        const open = await openPage(otherUrl);
        project.stopAtEnd(open);
        const { page, complaints } = open;
        await page.locator('main[data-status="refused"]').waitFor({ timeout: pageTimeoutMs });
        expect(await page.getByRole('alert').textContent()).toContain('allowedOrigins');
        // Beside the browser's own lines, one for each attempt.
        const ours = complaints.filter((text) => !text.startsWith('Failed to load resource'));
        expect(ours).toHaveLength(1);
        expect(ours[0]).toContain(`the origin of this page, ${otherUrl}`);
      });
    });
  });
}
