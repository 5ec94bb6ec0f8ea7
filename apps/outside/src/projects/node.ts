import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import { ShopServer } from '../harness/shop-server.ts';

export interface NodeOptions {
  type: 'module' | 'commonjs';
  /** More packages to install. */
  install?: string[];
}

/** A project in plain JavaScript, once with valibot and once with arktype; `more` adds tests. */
export function node(name: string, options: NodeOptions, more: (project: OutsideProject) => void): void {
  describe(name, () => {
    const project = new OutsideProject(name);

    beforeAll(async () => {
      await project.generate();
      await project.run(['npm', 'pkg', 'set', `type=${options.type}`]);
      await project.overlay(name);
      await project.install(
        ['@smooai/config', '@smooai/config-cli'],
        [
          catalog('valibot'),
          catalog('@valibot/to-json-schema'),
          catalog('arktype'),
          ...(options.install ?? []),
        ],
      );
    });

    afterAll(() => project.close());

    it.each(['valibot', 'arktype'])('runs its tests with node --test, by %s', async (library) => {
      const { output } = await project.run(['node', '--test', `${library}/config.test.js`]);
      expect(output).toMatch(/pass 1\b/);
    });

    it.each(['valibot', 'arktype'])('follows a flip by the CLI while it runs, by %s', async (library) => {
      const { url, server } = await startApp(project, library);
      const values = async (): Promise<unknown> => (await fetch(url)).json();
      const before = {
        theme: 'light',
        cartItems: 20,
        supportEmail: 'help@shop.example',
        hasPaymentKey: true,
      };
      expect(await values()).toEqual({ ...before, newCheckout: false });
      await server.set('flags.newCheckout', 'true');
      await expect.poll(values, { timeout: 60_000 }).toEqual({ ...before, newCheckout: true });
    });

    more(project);
  });
}

async function startApp(
  project: OutsideProject,
  library: string,
): Promise<{ url: string; server: ShopServer }> {
  const server = await ShopServer.start(project, `${library}/config.js`);
  await server.set('flags.newCheckout', 'false');
  await server.set('flags.theme', 'light');
  await project.write(`${library}/.env`, await server.createServerClient());
  const port = await freePort(0);
  const url = `http://127.0.0.1:${port}`;
  const command = ['node', `--env-file=${library}/.env`, `${library}/server.js`] as const;
  await project.start([...command], { PORT: String(port) }).responds(url);
  return { url, server };
}
