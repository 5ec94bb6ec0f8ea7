import { act, render, renderHook, screen } from '@testing-library/react';
import { Profiler, type ReactNode, StrictMode } from 'react';
import { describe, expect, it } from 'vitest';
import {
  ConfigProvider,
  useConfigChanges,
  useConfigStatus,
  useFlag,
  useFlagDetails,
  useLimitDetails,
} from './index.ts';
import './test-support/shop-config.ts';
import { AllValues } from './test-support/all-values.tsx';
import { CountingStore } from './test-support/counting-store.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped, type ShopSnapshot, snapshotOf } from './test-support/snapshots.ts';

const consoleError = forbidConsoleErrors();

function One({ name, onRender }: { name: string; onRender: () => void }): ReactNode {
  onRender();
  return String(useFlag(name as 'newCheckout'));
}

function Layout({ onRender }: { onRender: (value: unknown) => void }): ReactNode {
  onRender(useFlag('layout'));
  return null;
}

function EveryHook({ name }: { name: 'newCheckout' | 'theme' }): ReactNode {
  useConfigStatus();
  useConfigChanges();
  useFlagDetails(name);
  return String(useFlag(name));
}

describe('reading', () => {
  it('returns flags, public values, limits and the status', () => {
    render(
      <ConfigProvider snapshot={first}>
        <AllValues />
      </ConfigProvider>,
    );
    expect(screen.getByTestId('all').textContent).toBe('false light help@example.com 20 ready');
  });

  it('returns the fallback for a key that the snapshot does not have, and undefined without a fallback', () => {
    const wrapper = ({ children }: { children: ReactNode }) => (
      <ConfigProvider snapshot={snapshotOf({ newCheckout: false })}>{children}</ConfigProvider>
    );
    const { result } = renderHook(
      () => [useFlag('theme', 'dark'), useFlag('theme'), useFlag('newCheckout', true)],
      { wrapper },
    );
    expect(result.current).toEqual(['dark', undefined, false]);
  });

  it('returns the reason for a value', () => {
    const snapshot: ShopSnapshot = {
      ...first,
      flags: { newCheckout: { value: true, source: 'rule', matchedRuleId: 'nl' } },
      limits: { cartItems: { value: 50, source: 'rollout', rolloutBucket: 12 } },
    };
    const { result } = renderHook(
      () => [useFlagDetails('newCheckout'), useLimitDetails('cartItems'), useFlagDetails('theme')],
      { wrapper: ({ children }) => <ConfigProvider snapshot={snapshot}>{children}</ConfigProvider> },
    );
    expect(result.current).toEqual([snapshot.flags.newCheckout, snapshot.limits.cartItems, undefined]);
  });

  it('throws outside a provider, and names the hook', () => {
    consoleError.current.mockImplementation(() => {});
    expect(() => renderHook(() => useFlag('newCheckout'))).toThrow(/^useFlag is outside a ConfigProvider/);
    expect(() => renderHook(() => useConfigStatus())).toThrow(/^useConfigStatus is outside/);
    consoleError.current.mockClear();
  });
});

describe('following changes', () => {
  it('renders one of 1,000 components when one flag flips', () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `flag${index}`);
    const snapshot = (on: string | undefined, revision: string): ShopSnapshot =>
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

  it('does not render for an equal object, another reason, or a status that no hook reads', () => {
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
    act(() => {
      source.push(snapshotOf({ newCheckout: true, theme: 'light', layout: { columns: [3] } }, '3'));
    });
    expect(seen).toEqual([{ columns: [1, 2] }, { columns: [3] }]);
  });

  it('removes every listener on unmount, and the old one when the key changes', () => {
    const store = new CountingStore(first);
    const tree = (name: 'newCheckout' | 'theme'): ReactNode => (
      <StrictMode>
        <ConfigProvider store={store} fallback="">
          <EveryHook name={name} />
        </ConfigProvider>
      </StrictMode>
    );
    const view = render(tree('newCheckout'));
    const mounted = store.listeners;
    expect(mounted).toBeGreaterThan(0);
    expect(new Set(store.keys)).toEqual(new Set(['flags.newCheckout']));
    view.rerender(tree('theme'));
    expect(view.container.textContent).toBe('light');
    expect(store.listeners).toBe(mounted);
    expect(new Set(store.keys)).toEqual(new Set(['flags.theme']));
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
      source.push(snapshotOf({ newCheckout: false, theme: 'dark', layout: { columns: [1, 2] } }, '3'));
    });
    expect(result.current.map((change) => change.key)).toEqual(['flags.newCheckout', 'flags.theme']);
    act(() =>
      source.push({ ...snapshotOf({}, '4'), flags: { newCheckout: { value: false, source: 'rule' } } }),
    );
    // Only a reason changed, and keys that are gone keep their values.
    expect(result.current.map((change) => change.key)).toEqual(['flags.newCheckout', 'flags.theme']);
  });
});
