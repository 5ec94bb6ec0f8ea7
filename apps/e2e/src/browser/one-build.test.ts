import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DemoProcess } from '../../../../scripts/demo-process.mjs';
import { freePort } from '../../../../scripts/free-port.mjs';
import { root } from '../../../../scripts/workspace.mjs';
import { type RunningDemo, useRunningDemo } from './use-running-demo.ts';
import { openPage, untilShown } from './watched-page.ts';

const running = useRunningDemo();

it('one build of the storefront runs in two environments, each with its public values in pages and browsers', async () => {
  const { browser, demo } = running.current;
  await setProductionValues(running.current);
  const production = await startInProduction(running.current);

  for (const [url, email, theme] of [
    [demo.urls.next, 'hello@shop.example', 'light'],
    [production, 'production@shop.example', 'dark'],
  ] as const) {
    // The theme is in the static shell, which follows as soon as the process has its values.
    const html = async (): Promise<string> => (await fetch(url)).text();
    await expect.poll(html, { interval: 500 }).toContain(`data-theme="${theme}"`);
    expect(await html()).toContain(`mailto:${email}`);
    const watched = await openPage(browser, url);
    await untilShown(watched.page, 'public-supportEmail', email);
    await untilShown(watched.page, 'flag-theme', theme);
    expect(watched.complaints).toEqual([]);
    await watched.close();
  }
});

async function setProductionValues({ demo: { api } }: RunningDemo): Promise<void> {
  const [schema] = await api.listSchemas();
  const environment = (await api.listEnvironments()).find(
    (each: { name: string }) => each.name === 'production',
  );
  const ids = { schemaId: schema?.id ?? '', environmentId: environment?.id ?? '' };
  await api.setValues([
    { ...ids, tier: 'public', key: 'supportEmail', value: 'production@shop.example' },
    { ...ids, tier: 'public', key: 'apiBaseUrl', value: 'https://api.shop.example' },
    { ...ids, tier: 'secret', key: 'paymentKey', value: 'demo-production-key-not-a-real-one' },
    {
      ...ids,
      tier: 'secret',
      key: 'databaseUrl',
      value: 'postgres://shop:demo@db.internal.example/production',
    },
    { ...ids, tier: 'feature_flag', key: 'theme', value: 'dark' },
  ]);
}

/** Starts the storefront once more, from the same build. Resolves with its URL. */
async function startInProduction({ demo, dataDir }: RunningDemo): Promise<string> {
  const port = await freePort(0);
  const { clientId, clientSecret } = await demo.api.createAuthClient({
    type: 'm2m',
    name: 'storefront in production',
    scopes: ['config:read'],
    environments: ['production'],
  });
  const storefront = new DemoProcess({
    name: 'storefront in production',
    args: ['node_modules/next/dist/bin/next', 'start', '--port', String(port), '--hostname', '127.0.0.1'],
    cwd: join(root, 'apps/next-demo'),
    logFile: join(dataDir, 'logs/storefront-in-production.log'),
    env: {
      SMOOAI_CONFIG_API_URL: demo.urls.server,
      SMOOAI_CONFIG_AUTH_URL: demo.urls.server,
      SMOOAI_CONFIG_ORG_ID: demo.organizationId,
      SMOOAI_CONFIG_ENV: 'production',
      SMOOAI_CONFIG_CLIENT_ID: clientId,
      SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
      NODE_ENV: 'production',
    },
  });
  onTestFinished(() => storefront.stop());
  const url = `http://127.0.0.1:${port}`;
  await storefront.responds(url, 120_000);
  return url;
}
