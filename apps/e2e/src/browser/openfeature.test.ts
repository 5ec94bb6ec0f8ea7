import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createConfigServer } from '@smooai/config-server';
import type { Browser } from 'playwright-core';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { launchBrowser, openPage, untilShown, type WatchedPage } from './watched-page.ts';

const config = defineConfig({
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
  },
  secrets: { paymentKey: z.string() },
});
const cleanups: (() => Promise<unknown>)[] = [];
let browser: Browser;
let set: (key: 'newCheckout' | 'theme', value: unknown) => Promise<unknown>;
let pageUrl: (provider: string) => string;

beforeAll(async () => {
  const origin = await servePage();
  const server = await createConfigServer({ env: {} });
  cleanups.unshift(() => server.close());
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials ?? {};
  if (apiUrl === undefined || organizationId === undefined) throw new Error('The server has no credentials.');
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret } as never);
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const { id: schemaId } = await api.createSchema({ name: 'page', jsonSchema: toJsonSchema(config) });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const ids = { schemaId, environmentId: environment?.id ?? '' };
  await api.setValues([{ ...ids, key: 'paymentKey', value: 'hidden from pages', tier: 'secret' }]);
  set = (key, value) => api.setValues([{ ...ids, key, value: value as never, tier: 'feature_flag' }]);
  const when = { attribute: 'userId', op: 'in', values: ['insider'] };
  await set('theme', {
    $cohort: { rules: [{ id: 'insiders', when, value: 'dark' }], defaultValue: 'light' },
  });
  const client = await api.createAuthClient({ type: 'b2m', name: 'page', allowedOrigins: [origin] });
  const settings = { apiUrl, organizationId, publishableKey: client.publishableKey ?? '' };
  pageUrl = (provider) => `${origin}/?${new URLSearchParams({ ...settings, provider }).toString()}`;
  browser = await launchBrowser();
  cleanups.unshift(() => browser.close());
});
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});

/** Builds the page and serves it. Returns its origin. */
async function servePage(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'smooai-config-openfeature-'));
  cleanups.unshift(() => rm(outDir, { recursive: true, force: true }));
  const root = fileURLToPath(new URL('openfeature-page', import.meta.url));
  const shared = { root, configFile: false, logLevel: 'warn', build: { outDir, emptyOutDir: true } } as const;
  await build(shared);
  const server = await preview({ ...shared, preview: { host: '127.0.0.1', port: 0 } });
  cleanups.unshift(() => server.close());
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('The page is not served.');
  return `http://127.0.0.1:${address.port}`;
}

const renderedIn = ({ page }: WatchedPage): Promise<string[]> =>
  page.evaluate(() => (window as unknown as { rendered: string[] }).rendered);

describe.each([
  ['our web provider', 'ours'],
  ['the official OFREP provider, through its event stream', 'ofrep'],
])("OpenFeature's React SDK with %s", (_, provider) => {
  it('renders the values of the context and follows a change, without a reload, a complaint or a secret', async () => {
    await set('newCheckout', false);
    const watched = await openPage(browser, pageUrl(provider));
    await untilShown(watched.page, 'theme', 'dark');
    await untilShown(watched.page, 'newCheckout', 'false');
    await untilShown(watched.page, 'status', 'READY');
    await set('newCheckout', true);
    await untilShown(watched.page, 'newCheckout', 'true');
    await set('newCheckout', false);
    await untilShown(watched.page, 'newCheckout', 'false');
    const received = await watched.received();
    expect(received).toContain('newCheckout');
    expect(received).not.toContain('paymentKey');
    expect(received).not.toContain('hidden from pages');
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });
});

describe("OpenFeature's React SDK with our web provider", () => {
  it('shows another user none of the values of the previous one', async () => {
    const watched = await openPage(browser, pageUrl('ours'));
    await untilShown(watched.page, 'theme', 'dark');
    await watched.page.getByRole('button').click();
    await untilShown(watched.page, 'theme', 'light');
    const rendered = await renderedIn(watched);
    expect(rendered).toContain('insider dark');
    expect(rendered).toContain('guest light');
    expect(rendered).not.toContain('guest dark');
    expect(watched.complaints).toEqual([]);
    await watched.close();
  });
});
