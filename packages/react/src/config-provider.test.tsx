import type { SnapshotSource } from '@smooai/config/browser';
import { act, render, screen } from '@testing-library/react';
import { type ReactNode, StrictMode, Suspense } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { describe, expect, it, vi } from 'vitest';
import { ConfigProvider, useFlag } from './index.ts';
import './test-support/shop-config.ts';
import { AllValues } from './test-support/all-values.tsx';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped, type ShopSnapshot } from './test-support/snapshots.ts';

forbidConsoleErrors();

function Late(props: { suspend: () => void; onRender: (value: string) => void }): ReactNode {
  props.suspend();
  const value = String(useFlag('newCheckout'));
  props.onRender(value);
  return <b>{value}</b>;
}

it('shows a change and keeps exactly one connection under StrictMode', () => {
  const source = new ManualSource();
  const view = render(
    <StrictMode>
      <ConfigProvider snapshot={first} source={source}>
        <AllValues />
      </ConfigProvider>
    </StrictMode>,
  );
  expect(source.stores.size).toBe(1);
  expect(screen.getByTestId('all').textContent).toContain('false light');
  act(() => source.push(flipped));
  expect(screen.getByTestId('all').textContent).toBe('true light help@example.com 20 ready');
  view.unmount();
  expect(source.stores.size).toBe(0);
});

it('applies a newer snapshot prop before the browser paints, and ignores an older one', () => {
  const tree = (snapshot: ShopSnapshot): ReactNode => (
    <ConfigProvider snapshot={snapshot}>
      <AllValues />
    </ConfigProvider>
  );
  const view = render(tree(first));
  view.rerender(tree(flipped));
  expect(screen.getByTestId('all').textContent).toContain('true');
  view.rerender(tree(first));
  expect(screen.getByTestId('all').textContent).toContain('true');
});

it('reconnects when the source changes and keeps the values; without a source it goes offline', () => {
  const [a, b] = [new ManualSource(), new ManualSource()];
  const tree = (source: SnapshotSource | undefined): ReactNode => (
    <ConfigProvider snapshot={first} source={source}>
      <AllValues />
    </ConfigProvider>
  );
  const view = render(tree(a));
  view.rerender(tree(a));
  expect(a.connects).toBe(1);
  view.rerender(tree(b));
  expect([a.stores.size, b.stores.size]).toEqual([0, 1]);
  expect(screen.getByTestId('all').textContent).toBe('false light help@example.com 20 ready');
  view.rerender(tree(undefined));
  expect(b.stores.size).toBe(0);
  expect(screen.getByTestId('all').textContent).toContain('offline');
});

it('shows the fallback until the first snapshot', () => {
  const source = new ManualSource();
  render(
    <ConfigProvider source={source} fallback={<p>One moment</p>}>
      <AllValues />
    </ConfigProvider>,
  );
  expect(screen.getByText('One moment')).toBeDefined();
  act(() => source.push(first));
  expect(screen.queryByText('One moment')).toBeNull();
  expect(screen.getByTestId('all').textContent).toContain('false light');
});

describe('server rendering', () => {
  it('renders the right values into the HTML without connecting', () => {
    const source = new ManualSource();
    const html = renderToString(
      <ConfigProvider snapshot={flipped} source={source} fallback="One moment">
        <AllValues />
      </ConfigProvider>,
    );
    expect(html).toContain('true light help@example.com 20 ready');
    expect(source.connects).toBe(0);
  });

  it('hydrates without a mismatch, then follows changes', async () => {
    const source = new ManualSource();
    const tree = (
      <StrictMode>
        <ConfigProvider snapshot={first} source={source} fallback="One moment">
          <AllValues />
        </ConfigProvider>
      </StrictMode>
    );
    const { container, end } = await hydrate(tree);
    expect(container.textContent).toBe('false light help@example.com 20 ready');
    act(() => source.push(flipped));
    expect(container.textContent).toContain('true light');
    await end();
  });

  it('hydrates a suspended boundary with the values of its HTML, even if a change arrived before', async () => {
    const source = new ManualSource();
    let wake: () => void = () => {};
    let isReady = true;
    const pending = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const renders: string[] = [];
    const suspend = (): void => {
      if (!isReady) throw pending;
    };
    const tree = (
      <ConfigProvider snapshot={first} source={source}>
        <Suspense fallback="…">
          <Late suspend={suspend} onRender={(value) => renders.push(value)} />
        </Suspense>
      </ConfigProvider>
    );
    const { container, end } = await hydrate(tree, () => {
      isReady = false;
      renders.length = 0;
    });
    act(() => source.push(flipped));
    isReady = true;
    await act(async () => wake());
    expect(renders[0]).toBe('false');
    expect(container.textContent).toBe('true');
    await end();
  });
});

async function hydrate(
  tree: ReactNode,
  afterServer: () => void = () => {},
): Promise<{ container: HTMLElement; end: () => Promise<void> }> {
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = renderToString(tree);
  afterServer();
  const recovered = vi.fn();
  const root = await act(async () => hydrateRoot(container, tree, { onRecoverableError: recovered }));
  return {
    container,
    end: async () => {
      expect(recovered).not.toHaveBeenCalled();
      await act(async () => root.unmount());
      container.remove();
    },
  };
}
