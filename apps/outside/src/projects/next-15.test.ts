import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import { ShopServer } from '../harness/shop-server.ts';

const name = 'next-15';
const polling = { timeout: 60_000, interval: 250 };

/** Next 15 has another cache, an edge `middleware.ts`, and webpack as the default of `next build`. */
describe(name, () => {
  const project = new OutsideProject(name);
  let server: ShopServer;
  let url: string;

  beforeAll(async () => {
    await project.generate();
    await project.install(
      ['@smooai/config', '@smooai/config-react', '@smooai/config-next', '@smooai/config-cli'],
      [
        'next@15',
        'react@19',
        'react-dom@19',
        'typescript@5.9',
        '@types/node@20',
        '@types/react@19',
        catalog('zod'),
      ],
    );
    await project.overlay(name);
    server = await ShopServer.start(project, 'app/schema.ts');
    const port = await freePort(0);
    url = `http://127.0.0.1:${port}`;
    const revalidate = {
      SMOOAI_CONFIG_REVALIDATE_SECRET: 'a-secret-of-the-tests',
      SMOOAI_CONFIG_REVALIDATE_URL: `${url}/api/config/stream`,
    };
    const lines = Object.entries(revalidate).map(([variable, value]) => `${variable}='${value}'\n`);
    await project.write('.env', `${await server.createServerClient()}\n${lines.join('')}`);
  });

  afterAll(() => project.close());

  async function readAll(): Promise<Record<string, unknown>> {
    const home = await fetch(url);
    const html = await home.text();
    const text = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text();
    return {
      server: /The (old|new) checkout/.exec(html)?.[1],
      client: /(One step|Two steps)/.exec(html)?.[1],
      middleware: home.headers.get('x-checkout'),
      route: await text('/api/checkout'),
      cached: /Cached: (old|new)/.exec(await text('/cached'))?.[1],
    };
  }

  it('compiles and builds', async () => {
    const { output } = await project.run(['npx', 'next', 'build']);
    expect(output).not.toMatch(/Node\.js (?:API|module)/);
  });

  it('shows values in server and client components, a route handler, the edge middleware and a cached page', async () => {
    const port = new URL(url).port;
    const app = project.start(['npx', 'next', 'start', '--hostname', '127.0.0.1', '--port', port]);
    await app.responds(url);
    expect(await readAll()).toEqual({
      server: 'old',
      client: 'Two steps',
      middleware: 'old',
      route: '{"newCheckout":false}',
      cached: 'old',
    });
    expect(await (await fetch(url)).text()).not.toContain('payment-key-1');
  });

  it('follows a flip by the CLI in all of them; in the cached page by a request to its own route', async () => {
    await server.set('flags.newCheckout', 'true');
    await expect.poll(readAll, polling).toEqual({
      server: 'new',
      client: 'One step',
      middleware: 'new',
      route: '{"newCheckout":true}',
      cached: 'new',
    });
  });
});
