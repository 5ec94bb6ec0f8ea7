import type { JsonValue } from '@smooai/config';
import { createSnapshotSource } from '@smooai/config/browser';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { ConfigProvider, useConfigStatus, useFlag, useFlagDetails, useLimit } from './index.ts';
import '../../core/src/test-support/event-source.ts';
import './test-support/shop-config.ts';

const server = inject('configServer');
const { apiUrl, organizationId, publishableKey, clientId, clientSecret, schemaId, environmentId } = server;
const api = new ConfigApi({
  apiUrl,
  organizationId,
  tokenProvider: new TokenProvider({ authUrl: apiUrl, clientId, clientSecret }),
});
const set = (tier: 'feature_flag' | 'limit', key: string, value: JsonValue): Promise<unknown> =>
  api.setValue({ schemaId, environmentId, tier, key, value });

/** Sends the page's origin, as every browser does. */
const fetchAsBrowser: typeof fetch = (input, init) =>
  nodeFetch(input, { ...init, headers: { ...(init?.headers as object), origin: window.location.origin } });

const nodeFetch = globalThis.fetch;
beforeEach(() => {
  vi.stubGlobal('fetch', fetchAsBrowser);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function Shop(): ReactNode {
  const shown = [
    useConfigStatus().status,
    useFlag('newCheckout'),
    useFlagDetails('newCheckout')?.source,
    useLimit('cartItems'),
  ];
  return <p data-testid="shop">{shown.join(' ')}</p>;
}

const settings = { apiUrl, organizationId, environment: 'development', publishableKey };
/** For a busy machine. */
const patience = { timeout: 30_000 };
const source = createSnapshotSource(settings);
const shop = (country: string): ReactNode => (
  <StrictMode>
    <ConfigProvider source={source} context={{ country }} fallback="One moment">
      <Shop />
    </ConfigProvider>
  </StrictMode>
);
const shows = (text: string): Promise<void> =>
  waitFor(() => expect(screen.getByTestId('shop').textContent).toBe(text), patience);

it('follows the config server with a publishable key and gets the answers for each context', async () => {
  const view = render(shop('NL'));
  expect(view.container.textContent).toBe('One moment');
  await shows('ready false default 20');

  await set('limit', 'cartItems', 50);
  await shows('ready false default 50');

  await set('feature_flag', 'newCheckout', {
    $cohort: {
      rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true }],
      defaultValue: false,
    },
  });
  await shows('ready true rule 50');

  view.rerender(shop('US'));
  expect(view.container.textContent).toBe('One moment');
  await shows('ready false default 50');
});

function Status(): ReactNode {
  const { status, refusal } = useConfigStatus();
  return `${status} ${refusal?.status}`;
}

it.each([
  ['a wrong key', { publishableKey: 'pk_wrong' }, 401, /publishableKey/],
  ['an unknown environment', { environment: 'nothing' }, 404, /environment/],
])('says that the server refuses: %s', async (_, wrong, status, message) => {
  const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
  const onError = vi.fn();
  const wrongSource = createSnapshotSource({ ...settings, ...wrong, retryMs: 5 });
  const { container } = render(
    <ConfigProvider source={wrongSource} onError={onError} fallback={<Status />} readyTimeoutMs={600_000}>
      <p>never</p>
    </ConfigProvider>,
  );
  await waitFor(() => expect(container.textContent).toBe(`refused ${status}`), patience);
  await new Promise((done) => setTimeout(done, 100));
  expect(onError.mock.calls).toEqual([[{ status, message: expect.any(String) }]]);
  expect(consoleError.mock.calls).toEqual([[expect.stringMatching(message)]]);
  consoleError.mockRestore();
});

it('says that the origin of the page is not allowed', async () => {
  vi.stubGlobal('fetch', (input: string, init: RequestInit) =>
    nodeFetch(input, { ...init, headers: { ...(init.headers as object), origin: 'https://other.example' } }),
  );
  const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
  render(<ConfigProvider source={createSnapshotSource(settings)} fallback="One moment" />);
  await waitFor(
    () =>
      expect(consoleError.mock.calls).toEqual([
        [expect.stringMatching(/allowedOrigins.+http:\/\/localhost:3000/)],
      ]),
    patience,
  );
  consoleError.mockRestore();
});
