import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SnapshotStore } from '@smooai/config/browser';
import { act, cleanup, render } from '@testing-library/react';
import { type ReactNode, Suspense, startTransition, useState } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToPipeableStream, renderToString } from 'react-dom/server';
import { expect, it, vi } from 'vitest';
import { ConfigProvider, useConfigStatus, useFlag } from './index.ts';
import './test-support/shop-config.ts';
import { AllValues } from './test-support/all-values.tsx';
import { CountingStore } from './test-support/counting-store.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped } from './test-support/snapshots.ts';

forbidConsoleErrors();

function Late({ wait }: { wait: () => void }): ReactNode {
  wait();
  const { status } = useConfigStatus();
  return <b>{`${useFlag('newCheckout')} ${status}`}</b>;
}

/** A component that calls the result suspends until `wake` is called. */
function gate(): { wait: () => void; wake: () => void } {
  let isOpen = false;
  let wake = (): void => {};
  const opened = new Promise<void>((resolve) => {
    wake = () => {
      isOpen = true;
      resolve();
    };
  });
  const wait = (): void => {
    if (!isOpen) throw opened;
  };
  return { wait, wake };
}

it('hydrates the HTML of a streamed page without an error, though a change arrives before a boundary hydrates', async () => {
  const source = new ManualSource();
  const tree = (wait: () => void): ReactNode => (
    <ConfigProvider snapshot={first} source={source} fallback="One moment">
      <AllValues />
      <Suspense fallback="…">
        <Late wait={wait} />
      </Suspense>
    </ConfigProvider>
  );
  const onServer = gate();
  const html = await new Promise<string>((resolve, reject) => {
    const stream = renderToPipeableStream(tree(onServer.wait), {
      onShellReady: () => onServer.wake(),
      onAllReady: () => resolve(text(stream.pipe(new PassThrough()))),
      onError: reject,
    });
  });
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = html;
  const onClient = gate();
  const onRecoverableError = vi.fn();
  const root = await act(async () => hydrateRoot(container, tree(onClient.wait), { onRecoverableError }));
  act(() => source.push(flipped));
  await act(async () => onClient.wake());
  expect(container.textContent).toBe('true light help@example.com 20 readytrue ready');
  expect(onRecoverableError).not.toHaveBeenCalled();
  await act(async () => root.unmount());
  container.remove();
});

it('renders every part of a tree with the same value when a change arrives during a transition', async () => {
  const source = new ManualSource();
  const controls = { show: () => {} };
  const view = render(
    <ConfigProvider snapshot={first} source={source}>
      <Growing controls={controls} />
    </ConfigProvider>,
  );
  controls.show();
  // Lets the transition render a part of the tree before the change.
  await new Promise((resolve) => setTimeout(resolve, 20));
  act(() => source.push(flipped));
  await act(async () => {});
  const shown = view.container.textContent?.match(/true|false/g) ?? [];
  expect(new Set(shown)).toEqual(new Set(['true']));
  expect(shown).toHaveLength(200);
});

/** Shows one value, and 200 of them after `show`. */
function Growing({ controls }: { controls: { show: () => void } }): ReactNode {
  const [count, setCount] = useState(1);
  controls.show = () => startTransition(() => setCount(200));
  const keys = Array.from({ length: count }, (_, index) => `value ${index}`);
  return keys.map((key) => <Slow key={key} />);
}

function Slow(): ReactNode {
  const end = performance.now() + 1;
  while (performance.now() < end);
  return `${useFlag('newCheckout')} `;
}

it('leaves no listener after 10,000 server renders', () => {
  const source = new ManualSource();
  const store = new CountingStore(first);
  for (let index = 0; index < 10_000; index++) {
    const html = renderToString(
      <ConfigProvider store={store} source={source}>
        <AllValues />
      </ConfigProvider>,
    );
    if (index === 0) expect(html).toContain('false light');
  }
  expect(store.listeners).toBe(0);
  expect(source.connects).toBe(0);
});

it('renders stored values at once, and hydrates a page that the server rendered without values', async () => {
  class StoredSource extends ManualSource {
    override createStore(): SnapshotStore {
      const store = new SnapshotStore(undefined, 'connecting');
      if (typeof document === 'object' && !onServer) store.replace(first);
      return store;
    }
  }
  let onServer = true;
  const source = new StoredSource('connecting');
  const tree = (
    <ConfigProvider source={source} fallback="One moment">
      <AllValues />
    </ConfigProvider>
  );
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = renderToString(tree);
  expect(container.textContent).toBe('One moment');
  onServer = false;
  const onRecoverableError = vi.fn();
  const root = await act(async () => hydrateRoot(container, tree, { onRecoverableError }));
  expect(container.textContent).toContain('false light');
  expect(onRecoverableError).not.toHaveBeenCalled();
  await act(async () => root.unmount());
  container.remove();
  expect(render(tree).container.textContent).toContain('false light');
  cleanup();
});
