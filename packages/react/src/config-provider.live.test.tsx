import type { JsonValue } from '@smooai/config';
import { createSnapshotSource } from '@smooai/config/browser';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { EventSource } from 'eventsource';
import { type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { ConfigProvider, useConfigStatus, useFlag, useFlagDetails, useLimit } from './index.ts';
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
class BrowserEventSource extends EventSource {
  constructor(url: string) {
    super(url, {
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...init.headers, origin: window.location.origin } }),
    });
  }
}

beforeEach(() => {
  vi.stubGlobal('EventSource', BrowserEventSource);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function Shop(): ReactNode {
  const shown = [
    useConfigStatus(),
    useFlag('newCheckout'),
    useFlagDetails('newCheckout')?.source,
    useLimit('cartItems'),
  ];
  return <p data-testid="shop">{shown.join(' ')}</p>;
}

const shop = (country: string): ReactNode => {
  const settings = { apiUrl, organizationId, environment: 'development', publishableKey };
  return (
    <StrictMode>
      <ConfigProvider
        source={createSnapshotSource({ ...settings, context: { country } })}
        fallback="One moment"
      >
        <Shop />
      </ConfigProvider>
    </StrictMode>
  );
};
const shows = (text: string): Promise<void> =>
  waitFor(() => expect(screen.getByTestId('shop').textContent).toBe(text), { timeout: 5000 });

it('follows the config server with a publishable key and gets the answers for each context', async () => {
  const view = render(shop('NL'));
  expect(view.container.textContent).toBe('One moment');
  await shows('live false default 20');

  await set('limit', 'cartItems', 50);
  await shows('live false default 50');

  await set('feature_flag', 'newCheckout', {
    $cohort: {
      rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true }],
      defaultValue: false,
    },
  });
  await shows('live true rule 50');

  view.rerender(shop('US'));
  await shows('live false default 50');
});
