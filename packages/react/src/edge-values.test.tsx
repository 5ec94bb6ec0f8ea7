import { SnapshotStore } from '@smooai/config/browser';
import { act, render, renderHook } from '@testing-library/react';
import { type ReactNode, Suspense, useEffect } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import {
  ConfigProvider,
  useConfigChanges,
  useConfigStatus,
  useFlag,
  useFlagDetails,
  useLimit,
  usePublic,
} from './index.ts';
import './test-support/shop-config.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped, type ShopSnapshot, snapshotOf } from './test-support/snapshots.ts';

const consoleError = forbidConsoleErrors();

const empty: ShopSnapshot = { revision: '1', public: {}, flags: {}, limits: {} };

const within =
  (snapshot: ShopSnapshot) =>
  ({ children }: { children: ReactNode }) => <ConfigProvider snapshot={snapshot}>{children}</ConfigProvider>;

describe('a value that counts as false', () => {
  const falsy: ShopSnapshot = {
    ...empty,
    public: { supportEmail: '' },
    flags: { newCheckout: { value: false, source: 'raw' } },
    limits: { cartItems: { value: 0, source: 'raw' } },
  };
  const read = () => [useFlag('newCheckout', true), usePublic('supportEmail', 'x'), useLimit('cartItems', 5)];

  it('is not replaced by the fallback', () => {
    expect(renderHook(read, { wrapper: within(falsy) }).result.current).toEqual([false, '', 0]);
  });

  it('is the fallback only if the snapshot does not have the key', () => {
    expect(renderHook(read, { wrapper: within(empty) }).result.current).toEqual([true, 'x', 5]);
  });
});

describe('before there is a value', () => {
  it('does not take a property of every object for a default', () => {
    const inherited = ['toString', 'valueOf', 'hasOwnProperty'] as never[];
    const { result } = renderHook(
      () => inherited.map((key) => [useFlag(key), useFlagDetails(key), useLimit(key), usePublic(key)]),
      {
        wrapper: ({ children }) => (
          <ConfigProvider snapshot={empty} defaults={{ flags: {}, limits: {}, public: {} }}>
            {children}
          </ConfigProvider>
        ),
      },
    );
    expect(result.current.flat()).toEqual(Array.from({ length: 12 }, () => undefined));
  });

  it('returns the same details in each render, so that an effect can depend on them', () => {
    const { result, rerender } = renderHook(() => useFlagDetails('newCheckout', true), {
      wrapper: within(empty),
    });
    const before = result.current;
    expect(before).toEqual({ value: true, source: 'default' });
    rerender();
    expect(result.current).toBe(before);
  });
});

function Status(): ReactNode {
  return useConfigStatus().status;
}

describe('useConfigStatus', () => {
  it('follows the status alone', () => {
    // In development, the reason of a refusal is in the console.
    consoleError.current.mockImplementation(() => {});
    const store = new SnapshotStore(first, 'connecting');
    const view = render(
      <ConfigProvider store={store}>
        <Status />
      </ConfigProvider>,
    );
    const statuses = [
      ['live', 'ready'],
      ['reconnecting', 'stale'],
      ['refused', 'refused'],
      ['offline', 'offline'],
    ] as const;
    for (const [connection, status] of statuses) {
      act(() =>
        store.setStatus(connection, connection === 'refused' ? { status: 401, message: '' } : undefined),
      );
      expect(view.container.textContent).toBe(status);
    }
    expect(consoleError.current).toHaveBeenCalledTimes(1);
    consoleError.current.mockClear();
  });

  it('is loading until the first values, and then has their revision and the time when the status began', () => {
    const store = new SnapshotStore(undefined, 'connecting');
    const wrapper = ({ children }: { children: ReactNode }) => (
      <ConfigProvider store={store}>{children}</ConfigProvider>
    );
    const { result } = renderHook(() => useConfigStatus(), { wrapper });
    expect(result.current).toEqual({ status: 'loading' });
    act(() => {
      store.replace(first);
      store.setStatus('live');
    });
    expect(result.current).toEqual({
      status: 'ready',
      revision: first.revision,
      since: expect.any(Number),
    });
  });

  it('follows a revision in which no value of the page has changed', () => {
    const store = new SnapshotStore(first, 'live');
    const wrapper = ({ children }: { children: ReactNode }) => (
      <ConfigProvider store={store}>{children}</ConfigProvider>
    );
    const { result } = renderHook(() => useConfigStatus(), { wrapper });
    act(() => store.replace({ ...first, revision: '99' }));
    expect(result.current.revision).toBe('99');
  });

  it('hydrates with the status of the HTML, even if the connection is open by then', async () => {
    const statuses: string[] = [];
    let isReady = true;
    let wake = (): void => {};
    const pending = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const suspend = (): void => {
      if (!isReady) throw pending;
    };
    const tree = (
      <ConfigProvider snapshot={first} source={new ManualSource('reconnecting')}>
        <Suspense fallback="…">
          <LateStatus suspend={suspend} onRender={(status) => statuses.push(status)} />
        </Suspense>
      </ConfigProvider>
    );
    const container = document.body.appendChild(document.createElement('div'));
    container.innerHTML = renderToString(tree);
    isReady = false;
    statuses.length = 0;
    const root = await act(async () => hydrateRoot(container, tree));
    isReady = true;
    await act(async () => wake());
    expect(statuses[0]).toBe('ready');
    expect(container.textContent).toBe('stale');
    await act(async () => root.unmount());
    container.remove();
  });
});

function LateStatus(props: { suspend: () => void; onRender: (status: string) => void }): ReactNode {
  props.suspend();
  const { status } = useConfigStatus();
  props.onRender(status);
  return status;
}

describe('ConfigProvider', () => {
  it('renders the fallback on the server as long as there is not a snapshot', () => {
    const html = renderToString(
      <ConfigProvider source={new ManualSource()} fallback="One moment">
        <Status />
      </ConfigProvider>,
    );
    expect(html).toBe('One moment');
  });

  it('applies a new snapshot before effects of its children run, and so before the browser paints', () => {
    const store = new SnapshotStore(first);
    const revisions: (string | undefined)[] = [];
    const tree = (snapshot: ShopSnapshot): ReactNode => (
      <ConfigProvider store={store} snapshot={snapshot}>
        <Observer onEffect={() => void revisions.push(store.revision)} />
      </ConfigProvider>
    );
    const view = render(tree(first));
    revisions.length = 0;
    view.rerender(tree(flipped));
    expect(revisions[0]).toBe('2');
  });
});

function Observer({ onEffect }: { onEffect: () => void }): ReactNode {
  useEffect(onEffect);
  return null;
}

describe('useConfigChanges', () => {
  it('keeps as many changes as the newest limit says', () => {
    const source = new ManualSource();
    const { result, rerender } = renderHook(({ limit }) => useConfigChanges(limit), {
      initialProps: { limit: 1 },
      wrapper: ({ children }) => (
        <ConfigProvider snapshot={first} source={source}>
          {children}
        </ConfigProvider>
      ),
    });
    const push = (theme: string, revision: string) => act(() => source.push(snapshotOf({ theme }, revision)));
    push('dark', '2');
    push('blue', '3');
    expect(result.current.map(({ to }) => to)).toEqual(['blue']);
    rerender({ limit: 3 });
    push('red', '4');
    push('green', '5');
    expect(result.current.map(({ to }) => to)).toEqual(['green', 'red', 'blue']);
  });
});
