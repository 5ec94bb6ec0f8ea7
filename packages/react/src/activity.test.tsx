import { act, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import * as React from 'react';
import { describe, expect, it } from 'vitest';
import { ConfigProvider, useFlag } from './index.ts';
import { CountingStore } from './test-support/counting-store.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped } from './test-support/snapshots.ts';

forbidConsoleErrors();

// React 18 does not have it.
const Activity = (React as Partial<typeof React>).Activity as typeof React.Activity;
let shown: string[] = [];

function Checkout(): ReactNode {
  const text = String(useFlag('newCheckout'));
  React.useLayoutEffect(() => {
    shown.push(text);
  });
  return text;
}

describe.skipIf(!Activity)('Activity', () => {
  it('removes the listeners of hidden components, and shows the new value at once when they are shown', () => {
    const store = new CountingStore(first, 'live');
    const tree = (mode: 'hidden' | 'visible'): ReactNode => (
      <ConfigProvider store={store}>
        <Activity mode={mode}>
          <Checkout />
        </Activity>
      </ConfigProvider>
    );
    const view = render(tree('visible'));
    const listeners = store.listeners;
    view.rerender(tree('hidden'));
    expect(store.listeners).toBe(listeners - 1);
    act(() => store.replace(flipped));
    shown = [];
    view.rerender(tree('visible'));
    expect(shown).not.toContain('false');
    expect(view.container.textContent).toBe('true');
    expect(store.listeners).toBe(listeners);
    view.unmount();
    expect(store.listeners).toBe(0);
  });

  it('disconnects a hidden provider, and connects it when it is shown', () => {
    const source = new ManualSource();
    const tree = (mode: 'hidden' | 'visible'): ReactNode => (
      <Activity mode={mode}>
        <ConfigProvider snapshot={first} source={source}>
          <Checkout />
        </ConfigProvider>
      </Activity>
    );
    const view = render(tree('visible'));
    expect(source.stores.size).toBe(1);
    view.rerender(tree('hidden'));
    expect(source.stores.size).toBe(0);
    view.rerender(tree('visible'));
    expect(source.stores.size).toBe(1);
    act(() => source.push(flipped));
    expect(view.container.textContent).toBe('true');
    view.unmount();
    expect(source.stores.size).toBe(0);
  });
});
