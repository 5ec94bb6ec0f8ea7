import { type Snapshot, type SnapshotSource, SnapshotStore } from '@smooai/config/browser';
import { act, cleanup, render, renderHook, screen } from '@testing-library/react';
import { Profiler, type ReactNode, StrictMode, Suspense } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import {
  ConfigProvider,
  useConfigChanges,
  useConfigStatus,
  useFlag,
  useFlagDetails,
  useLimit,
  useLimitDetails,
  usePublic,
} from './index.ts';
import './test-support/shop-config.ts';
import { snapshotOf } from './test-support/snapshots.ts';

let consoleError: MockInstance;
beforeEach(() => {
  consoleError = vi.spyOn(console, 'error');
});
afterEach(() => {
  cleanup();
  expect(consoleError).not.toHaveBeenCalled();
  consoleError.mockRestore();
});

/** A source that the test drives, and that counts who holds it. */
class ManualSource implements SnapshotSource {
  readonly stores = new Set<SnapshotStore>();
  connects = 0;
  connect(store: SnapshotStore): () => void {
    this.connects += 1;
    this.stores.add(store);
    store.status = 'live';
    return () => {
      this.stores.delete(store);
      store.status = 'offline';
    };
  }
  push(snapshot: Snapshot): void {
    for (const store of this.stores) store.replace(snapshot);
  }
}

/** Counts the listeners of a store that are still subscribed. */
class CountingStore extends SnapshotStore {
  listeners = 0;
  constructor(initial: Snapshot) {
    super(initial);
    const { subscribeAll, subscribeStatus } = this;
    Object.assign(this, {
      subscribeAll: (listener: () => void) => this.#count(subscribeAll(listener)),
      subscribeStatus: (listener: () => void) => this.#count(subscribeStatus(listener)),
    });
  }
  #count(stop: () => void): () => void {
    this.listeners += 1;
    return () => {
      this.listeners -= 1;
      stop();
    };
  }
  override subscribe(key: string, listener: () => void): () => void {
    return this.#count(super.subscribe(key, listener));
  }
}

const first = snapshotOf({ newCheckout: false, theme: 'light', layout: { columns: [1, 2] } });
const flipped = snapshotOf({ newCheckout: true, theme: 'light', layout: { columns: [1, 2] } }, '2');

function Everything(): ReactNode {
  const checkout = useFlag('newCheckout');
  return (
    <p data-testid="all">
      {[
        String(checkout),
        useFlag('theme'),
        usePublic('supportEmail'),
        useLimit('cartItems'),
        useConfigStatus(),
      ].join(' ')}
    </p>
  );
}

function One({ name, onRender }: { name: string; onRender: () => void }): ReactNode {
  onRender();
  return String(useFlag(name as 'newCheckout'));
}

function Layout({ onRender }: { onRender: (value: unknown) => void }): ReactNode {
  onRender(useFlag('layout'));
  return null;
}

function Any({ name }: { name: 'newCheckout' | 'theme' }): ReactNode {
  useConfigStatus();
  useConfigChanges();
  useFlagDetails(name);
  return String(useFlag(name));
}

function Late(props: { suspend: () => void; onRender: (value: string) => void }): ReactNode {
  props.suspend();
  const value = String(useFlag('newCheckout'));
  props.onRender(value);
  return <b>{value}</b>;
}

describe('reading', () => {
  it('gives flags, public values, limits and the status', () => {
    render(
      <ConfigProvider snapshot={first}>
        <Everything />
      </ConfigProvider>,
    );
    expect(screen.getByTestId('all').textContent).toBe('false light help@example.com 20 offline');
  });

  it('gives the fallback for a key that the snapshot does not have, and undefined without one', () => {
    const wrapper = ({ children }: { children: ReactNode }) => (
      <ConfigProvider snapshot={snapshotOf({ newCheckout: false })}>{children}</ConfigProvider>
    );
    const { result } = renderHook(
      () => [useFlag('theme', 'dark'), useFlag('theme'), useFlag('newCheckout', true)],
      {
        wrapper,
      },
    );
    expect(result.current).toEqual(['dark', undefined, false]);
  });

  it('tells how an answer came about', () => {
    const snapshot: Snapshot = {
      ...first,
      flags: { newCheckout: { value: true, source: 'rule', matchedRuleId: 'nl' } },
      limits: { cartItems: { value: 50, source: 'rollout', rolloutBucket: 12 } },
    };
    const { result } = renderHook(
      () => [useFlagDetails('newCheckout'), useLimitDetails('cartItems'), useFlagDetails('theme')],
      {
        wrapper: ({ children }) => <ConfigProvider snapshot={snapshot}>{children}</ConfigProvider>,
      },
    );
    expect(result.current).toEqual([snapshot.flags.newCheckout, snapshot.limits.cartItems, undefined]);
  });

  it('says what to do outside a provider', () => {
    consoleError.mockImplementation(() => {});
    expect(() => renderHook(() => useFlag('newCheckout'))).toThrow(/^useFlag: .*<ConfigProvider>/);
    expect(() => renderHook(() => useConfigStatus())).toThrow(/^useConfigStatus: /);
    consoleError.mockClear();
  });
});

describe('following', () => {
  it('shows a change, also under StrictMode, with one connection left', () => {
    const source = new ManualSource();
    const view = render(
      <StrictMode>
        <ConfigProvider snapshot={first} source={source}>
          <Everything />
        </ConfigProvider>
      </StrictMode>,
    );
    expect(source.stores.size).toBe(1);
    expect(screen.getByTestId('all').textContent).toContain('false light');
    act(() => source.push(flipped));
    expect(screen.getByTestId('all').textContent).toBe('true light help@example.com 20 live');
    view.unmount();
    expect(source.stores.size).toBe(0);
  });

  it('renders one of 1,000 components when one flag flips', () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `flag${index}`);
    const snapshot = (on: string | undefined, revision: string): Snapshot =>
      snapshotOf(Object.fromEntries(keys.map((key) => [key, key === on])), revision);
    let renders = 0;
    const count = (): void => {
      renders += 1;
    };
    const source = new ManualSource();
    let commits = 0;
    render(
      <ConfigProvider snapshot={snapshot(undefined, '1')} source={source}>
        <Profiler id="all" onRender={() => (commits += 1)}>
          {keys.map((key) => (
            <One key={key} name={key} onRender={count} />
          ))}
        </Profiler>
      </ConfigProvider>,
    );
    expect(renders).toBe(1000);
    renders = commits = 0;
    act(() => source.push(snapshot('flag500', '2')));
    expect(renders).toBe(1);
    expect(commits).toBe(1);
  });

  it('renders nothing for an equal object, another reason, or a status nobody reads', () => {
    const source = new ManualSource();
    const seen: unknown[] = [];
    render(
      <ConfigProvider snapshot={first} source={source}>
        <Layout onRender={(value) => seen.push(value)} />
      </ConfigProvider>,
    );
    act(() => {
      const next = structuredClone(flipped);
      next.flags.layout = { value: { columns: [1, 2] }, source: 'rule', matchedRuleId: 'r' };
      source.push(next);
    });
    expect(seen).toHaveLength(1);
    act(() =>
      source.push({
        ...flipped,
        revision: '3',
        flags: { layout: { value: { columns: [3] }, source: 'raw' } },
      }),
    );
    expect(seen).toEqual([{ columns: [1, 2] }, { columns: [3] }]);
  });

  it('leaves no listener behind, also when the key changes', () => {
    const store = new CountingStore(first);
    const tree = (name: 'newCheckout' | 'theme'): ReactNode => (
      <StrictMode>
        <ConfigProvider store={store} fallback="">
          <Any name={name} />
        </ConfigProvider>
      </StrictMode>
    );
    const view = render(tree('newCheckout'));
    const mounted = store.listeners;
    expect(mounted).toBeGreaterThan(0);
    view.rerender(tree('theme'));
    expect(view.container.textContent).toBe('light');
    expect(store.listeners).toBe(mounted);
    view.unmount();
    expect(store.listeners).toBe(0);
  });

  it('keeps the latest changes of values, newest first', () => {
    const source = new ManualSource();
    const { result } = renderHook(() => useConfigChanges(2), {
      wrapper: ({ children }) => <ConfigProvider source={source}>{children}</ConfigProvider>,
    });
    act(() => source.push(first));
    expect(result.current).toEqual([]);
    act(() => source.push(flipped));
    expect(result.current).toEqual([
      { key: 'flags.newCheckout', from: false, to: true, revision: '2', at: expect.any(Number) },
    ]);
    act(() => {
      const next = snapshotOf({ newCheckout: false, theme: 'dark', layout: { columns: [1, 2] } }, '3');
      source.push(next);
    });
    expect(result.current.map((change) => change.key)).toEqual(['flags.newCheckout', 'flags.theme']);
    act(() =>
      source.push({ ...snapshotOf({}, '4'), flags: { newCheckout: { value: false, source: 'rule' } } }),
    );
    expect(result.current.map((change) => change.key)).toEqual(['flags.theme', 'flags.layout']);
  });
});

describe('the provider’s props', () => {
  it('takes a newer snapshot before the screen is painted, and leaves an older one', () => {
    const tree = (snapshot: Snapshot): ReactNode => (
      <ConfigProvider snapshot={snapshot}>
        <Everything />
      </ConfigProvider>
    );
    const view = render(tree(first));
    view.rerender(tree(flipped));
    expect(screen.getByTestId('all').textContent).toContain('true');
    view.rerender(tree(first));
    expect(screen.getByTestId('all').textContent).toContain('true');
  });

  it('reconnects when the source changes, keeping the values, and goes offline without one', () => {
    const [a, b] = [new ManualSource(), new ManualSource()];
    const tree = (source: SnapshotSource | undefined): ReactNode => (
      <ConfigProvider snapshot={first} source={source}>
        <Everything />
      </ConfigProvider>
    );
    const view = render(tree(a));
    view.rerender(tree(a));
    expect(a.connects).toBe(1);
    view.rerender(tree(b));
    expect([a.stores.size, b.stores.size]).toEqual([0, 1]);
    expect(screen.getByTestId('all').textContent).toBe('false light help@example.com 20 live');
    view.rerender(tree(undefined));
    expect(b.stores.size).toBe(0);
    expect(screen.getByTestId('all').textContent).toContain('offline');
  });

  it('shows the fallback until the first snapshot', () => {
    const source = new ManualSource();
    render(
      <ConfigProvider source={source} fallback={<p>One moment</p>}>
        <Everything />
      </ConfigProvider>,
    );
    expect(screen.getByText('One moment')).toBeDefined();
    act(() => source.push(first));
    expect(screen.queryByText('One moment')).toBeNull();
    expect(screen.getByTestId('all').textContent).toContain('false light');
  });
});

describe('server rendering', () => {
  it('has the right values in the HTML without connecting', () => {
    const source = new ManualSource();
    const html = renderToString(
      <ConfigProvider snapshot={flipped} source={source} fallback="One moment">
        <Everything />
      </ConfigProvider>,
    );
    expect(html).toContain('true light help@example.com 20 connecting');
    expect(source.connects).toBe(0);
  });

  it('hydrates without a mismatch, then follows', async () => {
    const source = new ManualSource();
    const tree = (
      <StrictMode>
        <ConfigProvider snapshot={first} source={source} fallback="One moment">
          <Everything />
        </ConfigProvider>
      </StrictMode>
    );
    const { container, end } = await hydrate(tree);
    expect(container.textContent).toBe('false light help@example.com 20 live');
    act(() => source.push(flipped));
    expect(container.textContent).toContain('true light');
    await end();
  });

  it('hydrates a late boundary with the values of its HTML, though a change came before', async () => {
    const source = new ManualSource();
    let wake: () => void = () => {};
    let isReady = true;
    const pending = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const firstRenders: string[] = [];
    const late = (): void => {
      if (!isReady) throw pending;
    };
    const tree = (
      <ConfigProvider snapshot={first} source={source}>
        <Suspense fallback="…">
          <Late suspend={late} onRender={(value) => firstRenders.push(value)} />
        </Suspense>
      </ConfigProvider>
    );
    const { container, end } = await hydrate(tree, () => {
      isReady = false;
      firstRenders.length = 0;
    });
    act(() => source.push(flipped));
    isReady = true;
    await act(async () => wake());
    expect(firstRenders[0]).toBe('false');
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
