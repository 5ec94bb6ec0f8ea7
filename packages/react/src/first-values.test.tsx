import type { ConfigDefaults } from '@smooai/config';
import { act, render, renderHook } from '@testing-library/react';
import { Component, lazy, type ReactNode, Suspense } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConfigProvider,
  createHooks,
  Flag,
  useFlag,
  useFlagDetails,
  useLimit,
  usePublic,
  useSuspenseFlag,
} from './index.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import type { config } from './test-support/shop-config.ts';
import { first, flipped, snapshotOf } from './test-support/snapshots.ts';

const consoleError = forbidConsoleErrors();
const defaults = {
  public: { supportEmail: 'default@example.com' },
  flags: { theme: 'dark' },
  limits: { cartItems: 3 },
} satisfies ConfigDefaults;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function Theme(): ReactNode {
  return useFlag('theme');
}

describe('defaults', () => {
  const read = () => [
    useFlag('theme'),
    useFlag('theme', 'light'),
    useFlagDetails('theme'),
    usePublic('supportEmail'),
    useLimit('cartItems'),
    useFlag('newCheckout'),
  ];

  it('stand in until the first values, behind a fallback of the hook', () => {
    const source = new ManualSource('connecting');
    const { result } = renderHook(read, {
      wrapper: ({ children }) => (
        <ConfigProvider source={source} defaults={defaults}>
          {children}
        </ConfigProvider>
      ),
    });
    const theme = { value: 'dark', source: 'default' };
    expect(result.current).toEqual(['dark', 'light', theme, 'default@example.com', 3, undefined]);
    act(() => source.push(first));
    const raw = { value: 'light', source: 'raw' };
    expect(result.current).toEqual(['light', 'light', raw, 'help@example.com', 20, false]);
  });
});

describe('readyTimeoutMs', () => {
  it('puts the children with their defaults in the place of the fallback', () => {
    const source = new ManualSource('connecting');
    const view = render(
      <ConfigProvider source={source} defaults={defaults} fallback="One moment" readyTimeoutMs={100}>
        <Theme />
      </ConfigProvider>,
    );
    act(() => void vi.advanceTimersByTime(99));
    expect(view.container.textContent).toBe('One moment');
    act(() => void vi.advanceTimersByTime(1));
    expect(view.container.textContent).toBe('dark');
    act(() => source.push(first));
    expect(view.container.textContent).toBe('light');
  });

  it('can be without end', () => {
    const view = render(
      <ConfigProvider source={new ManualSource('connecting')} fallback="One moment" readyTimeoutMs={Infinity}>
        <Theme />
      </ConfigProvider>,
    );
    act(() => void vi.advanceTimersByTime(86_400_000));
    expect(view.container.textContent).toBe('One moment');
  });
});

class Boundary extends Component<{ children: ReactNode }, { message?: string }> {
  override state: { message?: string } = {};
  static getDerivedStateFromError(error: Error): { message: string } {
    return { message: error.message };
  }
  override render(): ReactNode {
    return this.state.message ?? this.props.children;
  }
}

function Suspended({ name = 'theme' }: { name?: 'theme' | 'newCheckout' }): ReactNode {
  return String(useSuspenseFlag(name));
}

describe('useSuspenseFlag', () => {
  const tree = (source: ManualSource, name: 'theme' | 'newCheckout', given = {}): ReactNode => (
    <ConfigProvider source={source} {...given}>
      <Boundary>
        <Suspense fallback="…">
          <Suspended name={name} />
        </Suspense>
      </Boundary>
    </ConfigProvider>
  );

  it('suspends until the first values', async () => {
    const source = new ManualSource('connecting');
    const view = render(tree(source, 'theme', { defaults }));
    expect(view.container.textContent).toBe('…');
    await act(async () => source.push(first));
    expect(view.container.textContent).toBe('light');
    act(() => source.push(snapshotOf({ theme: 'dark' }, '2')));
    expect(view.container.textContent).toBe('dark');
  });

  it('returns the default if no values arrive in time', async () => {
    const view = render(tree(new ManualSource('connecting'), 'theme', { defaults, readyTimeoutMs: 100 }));
    await act(async () => vi.advanceTimersByTime(100));
    expect(view.container.textContent).toBe('dark');
  });

  it('throws if there is neither a value nor a default', async () => {
    consoleError.current.mockImplementation(() => {});
    const source = new ManualSource('connecting');
    const view = render(tree(source, 'newCheckout', { defaults }));
    await act(async () => source.push(snapshotOf({})));
    expect(view.container.textContent).toMatch(/^useSuspenseFlag: "newCheckout" has neither/);
    consoleError.current.mockClear();
  });

  it.each([
    ['the refusal of the server', 'The key is revoked.', 'The key is revoked.'],
    ['its remedy if the refusal has no text', '', 'Push the schema, or give a default.'],
  ])('throws %s if nothing has arrived because of a refusal', async (_, message, ending) => {
    consoleError.current.mockImplementation(() => {});
    const source = new ManualSource('connecting');
    const view = render(tree(source, 'newCheckout', { readyTimeoutMs: 100 }));
    const [store] = source.stores.keys();
    act(() => store?.setStatus('refused', { status: 401, message }));
    await act(async () => vi.advanceTimersByTime(100));
    expect(view.container.textContent).toBe(
      `useSuspenseFlag: "newCheckout" has neither a value nor a default. ${ending}`,
    );
    consoleError.current.mockClear();
  });
});

describe('Flag', () => {
  it('renders one branch and does not evaluate the other', () => {
    const source = new ManualSource();
    const one = vi.fn(() => 'one step');
    const view = render(
      <ConfigProvider snapshot={first} source={source}>
        <Flag name="newCheckout" is={true} fallback="two steps">
          {one}
        </Flag>
      </ConfigProvider>,
    );
    expect(view.container.textContent).toBe('two steps');
    expect(one).not.toHaveBeenCalled();
    act(() => source.push(flipped));
    expect(view.container.textContent).toBe('one step');
  });
});

it('loads no hidden branch of a Flag before it is shown', async () => {
  const load = vi.fn(async () => ({ default: () => 'one step' }));
  const OneStep = lazy(load);
  const source = new ManualSource();
  const view = render(
    <ConfigProvider snapshot={first} source={source}>
      <Suspense fallback="loading">
        <Flag name="newCheckout" is={true} fallback="two steps">
          <OneStep />
        </Flag>
      </Suspense>
    </ConfigProvider>,
  );
  expect(view.container.textContent).toBe('two steps');
  expect(load).not.toHaveBeenCalled();
  await act(async () => source.push(flipped));
  expect(load).toHaveBeenCalledTimes(1);
  expect(view.container.textContent).toBe('one step');
});

const inner = createHooks<typeof config>();

function Both(): ReactNode {
  return `${useFlag('theme')} ${inner.useFlag('theme')}`;
}

describe('createHooks', () => {
  it('makes hooks that are independent of other providers', () => {
    const view = render(
      <ConfigProvider snapshot={snapshotOf({ theme: 'dark' })}>
        <inner.ConfigProvider snapshot={snapshotOf({ theme: 'light' })}>
          <Both />
        </inner.ConfigProvider>
      </ConfigProvider>,
    );
    expect(view.container.textContent).toBe('dark light');
  });
});
