import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { hasChromium, openPage } from '../harness/browser.ts';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import { ShopServer } from '../harness/shop-server.ts';

const host = '127.0.0.1';
const flipTimeoutMs = 60_000;

/** The first block of code below a heading. */
function blockBelow(readme: string, heading: string): string {
  const [, section = ''] = readme.split(`\n## ${heading}\n`);
  const block = /^```ts\n([\s\S]*?)^```$/m.exec(section)?.[1];
  if (block === undefined) throw new Error(`The README has no code below "${heading}".`);
  return block;
}

// The code of the README is plain JavaScript, so it runs as it is.
describe('openfeature', () => {
  const project = new OutsideProject('openfeature');
  let server: ShopServer;
  let readme: string;

  beforeAll(async () => {
    await project.generate();
    await project.run(['npm', 'pkg', 'set', 'type=module']);
    await project.overlay('openfeature');
    await project.install(
      ['@smooai/config', '@smooai/config-cli', '@smooai/config-openfeature'],
      ['@openfeature/core', '@openfeature/server-sdk', '@openfeature/web-sdk', 'zod', 'vite'].map(catalog),
    );
    readme = await project.read('node_modules/@smooai/config-openfeature/README.md');
    server = await ShopServer.startEmpty(project);
    await server.push('config.js');
  });

  afterAll(() => project.close());

  it('runs the server of the README, which follows a flip by the CLI', async () => {
    await server.set('flags.newCheckout', 'false');
    const end = `
import { serve } from './serve.js';
serve(() => flags.getBooleanValue('newCheckout', false));
`;
    await project.write('server.js', blockBelow(readme, 'Server') + end);
    await project.write('.env', await server.createServerClient());
    const port = await freePort(0);
    const url = `http://${host}:${port}`;
    const command = ['node', '--env-file=.env', 'server.js'] as const;
    await project.start([...command], { PORT: String(port) }).responds(url);
    const read = async (): Promise<string> => (await fetch(url)).text();
    expect(await read()).toBe('false');
    await server.set('flags.newCheckout', 'true');
    await expect.poll(read, { timeout: flipTimeoutMs }).toBe('true');
  });

  it.skipIf(!hasChromium)('runs the page of the README, which follows a flip by the CLI', async () => {
    await server.set('flags.newCheckout', 'false');
    const port = await freePort(0);
    const url = `http://${host}:${port}`;
    const code = blockBelow(readme, 'Browser')
      .replace('https://config.example.com', server.url)
      .replace('your-organization', server.organizationId)
      .replace("'production'", "'development'")
      .replace('pk_…', await server.createBrowserClient(url));
    const end = `
import { ProviderEvents } from '@openfeature/web-sdk';
const show = () => {
  const isNew = OpenFeature.getClient().getBooleanValue('newCheckout', false);
  document.querySelector('h1').textContent = isNew ? 'One step' : 'Two steps';
};
OpenFeature.addHandler(ProviderEvents.ConfigurationChanged, show);
show();
`;
    await project.write('page.js', code + end);
    await project.run(['npx', 'vite', 'build']);
    const preview = ['vite', 'preview', '--host', host, '--port', String(port), '--strictPort'];
    await project.start(['npx', ...preview]).responds(url);
    const open = await openPage(url);
    project.stopAtEnd(open);
    const heading = open.page.getByRole('heading');
    await heading.getByText('Two steps').waitFor({ timeout: flipTimeoutMs });
    await server.set('flags.newCheckout', 'true');
    await heading.getByText('One step').waitFor({ timeout: flipTimeoutMs });
    expect(open.complaints).toEqual([]);
  });
});
