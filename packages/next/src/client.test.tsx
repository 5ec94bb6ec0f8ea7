import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createTestClient, type TestClient } from '@smooai/config/testing';
import { AppRouterContext } from 'next/dist/shared/lib/app-router-context.shared-runtime.js';
import type { ReactElement } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '../../core/src/test-support/event-source.ts';
import { ConfigProvider, RefreshOnChange, useConfigStatus, useFlag, useLimit, usePublic } from './client.ts';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { type ShopConfig, shopConfig } from './test-support/shop-config.ts';

const config = shopConfig();

/** Serves the route handler over HTTP, as Next does. */
async function serve(client: TestClient<ShopConfig>): Promise<Server> {
  const handler = createSnapshotRouteHandler({ client });
  const server = createServer((incoming, outgoing) => {
    const abort = new AbortController();
    outgoing.on('close', () => abort.abort());
    void handler(
      new Request(`http://${incoming.headers.host}${incoming.url}`, { signal: abort.signal }),
    ).then((response) => {
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      if (response.body !== null) Readable.fromWeb(response.body as never).pipe(outgoing);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function Values(): ReactElement {
  return (
    <p data-status={useConfigStatus().status}>
      {String(useFlag('newCheckout'))} {useLimit('cartItems')} {usePublic('supportEmail')}
    </p>
  );
}

/** For a busy machine. */
const patience = { timeout: 30_000 };

describe('ConfigProvider', () => {
  const consoleErrors = vi.spyOn(console, 'error');
  let server: Server;
  let client: TestClient<ShopConfig>;
  let root: HTMLElement;

  beforeEach(async () => {
    client = createTestClient({ config, flags: { newCheckout: true }, limits: { cartItems: 7 } });
    server = await serve(client);
    root = document.createElement('div');
  });

  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('renders the snapshot in the HTML and on the first client render, then follows the stream', async () => {
    const { port } = server.address() as AddressInfo;
    // A server component's props reach the browser as JSON.
    const snapshot = JSON.parse(JSON.stringify(client.snapshot()));
    const app = (
      <ConfigProvider snapshot={snapshot} stream={`http://127.0.0.1:${port}/`}>
        <Values />
      </ConfigProvider>
    );
    root.innerHTML = renderToString(app);
    expect(root.textContent).toBe('true 7 help@example.com');
    client.set({ flags: { newCheckout: false }, limits: { cartItems: 9 } });
    const recoverable: unknown[] = [];
    const hydrated = hydrateRoot(root, app, { onRecoverableError: (error) => recoverable.push(error) });
    await vi.waitFor(() => expect(root.innerHTML).toContain('data-status="ready"'), patience);
    await vi.waitFor(() => expect(root.textContent).toBe('false 9 help@example.com'), patience);
    client.set({ flags: { newCheckout: true } });
    await vi.waitFor(() => expect(root.textContent).toBe('true 9 help@example.com'), patience);
    hydrated.unmount();
    expect(recoverable).toEqual([]);
    expect(consoleErrors).not.toHaveBeenCalled();
  });

  it('shows the snapshot without a stream', () => {
    const html = renderToString(
      <ConfigProvider snapshot={client.snapshot()}>
        <Values />
      </ConfigProvider>,
    );
    expect(html).toContain('data-status="ready"');
    expect(html).toContain('help@example.com');
  });

  it('refreshes the server components once for each revision that changes a value', async () => {
    const { port } = server.address() as AddressInfo;
    const refresh = vi.fn();
    const router = { refresh } as never;
    const page = createRoot(root);
    page.render(
      <AppRouterContext value={router}>
        <ConfigProvider snapshot={client.snapshot()} stream={`http://127.0.0.1:${port}/`}>
          <RefreshOnChange />
          <Values />
        </ConfigProvider>
      </AppRouterContext>,
    );
    await vi.waitFor(() => expect(root.innerHTML).toContain('data-status="ready"'), patience);
    client.set({ flags: { newCheckout: false }, limits: { cartItems: 9 } });
    await vi.waitFor(() => expect(root.textContent).toBe('false 9 help@example.com'), patience);
    await vi.waitFor(() => expect(refresh).toHaveBeenCalledTimes(1), patience);
    client.set({ flags: { newCheckout: true } });
    await vi.waitFor(() => expect(refresh).toHaveBeenCalledTimes(2), patience);
    page.unmount();
  });
});
