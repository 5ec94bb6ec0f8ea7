import type { SnapshotRefusal } from '@smooai/config/browser';
import { act, cleanup, render } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { ConfigProvider } from './index.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first } from './test-support/snapshots.ts';

// React 18 does not have it.
const Activity = (React as Partial<typeof React>).Activity as typeof React.Activity;
const wrongKey = { status: 401, message: 'The key is wrong.' };
const wrongOrigin = { status: 403, message: 'The origin is not allowed.' };

let consoleError: MockInstance;
beforeEach(() => {
  consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** Lets the server refuse every connected store. */
function refuse(source: ManualSource, refusal: SnapshotRefusal): void {
  act(() => {
    for (const store of source.stores.keys()) store.setStatus('refused', { ...refusal });
  });
}

it('reports each refusal once, to the newest onError', () => {
  const source = new ManualSource();
  const reports: unknown[] = [];
  const tree = (name: string): React.ReactNode => (
    <React.StrictMode>
      <ConfigProvider source={source} onError={({ status }) => reports.push([name, status])} />
    </React.StrictMode>
  );
  const view = render(tree('a'));
  refuse(source, wrongKey);
  view.rerender(tree('b'));
  refuse(source, wrongKey);
  refuse(source, wrongOrigin);
  expect(reports).toEqual([
    ['a', 401],
    ['b', 403],
  ]);
  expect(consoleError).toHaveBeenCalledTimes(2);
});

it('reports a refusal that came before the provider was mounted once', () => {
  const store = new ManualSource().createStore();
  store.setStatus('refused', wrongKey);
  const onError = vi.fn();
  render(
    <React.StrictMode>
      <ConfigProvider store={store} onError={onError} />
    </React.StrictMode>,
  );
  expect(onError.mock.calls).toEqual([[wrongKey]]);
  expect(consoleError).toHaveBeenCalledTimes(1);
});

it.skipIf(!Activity)(
  'does not report the refusal of its own store again when a hidden provider is shown',
  () => {
    const store = new ManualSource().createStore();
    store.setStatus('refused', wrongKey);
    const onError = vi.fn();
    const tree = (mode: 'hidden' | 'visible'): React.ReactNode => (
      <Activity mode={mode}>
        <ConfigProvider store={store} onError={onError} />
      </Activity>
    );
    const view = render(tree('visible'));
    view.rerender(tree('hidden'));
    view.rerender(tree('visible'));
    expect(onError).toHaveBeenCalledTimes(1);
  },
);

it.skipIf(!Activity)('does not report a refusal again when a hidden provider is shown', () => {
  const source = new ManualSource();
  const onError = vi.fn();
  const tree = (mode: 'hidden' | 'visible'): React.ReactNode => (
    <Activity mode={mode}>
      <ConfigProvider snapshot={first} source={source} onError={onError} />
    </Activity>
  );
  const view = render(tree('visible'));
  refuse(source, wrongKey);
  view.rerender(tree('hidden'));
  view.rerender(tree('visible'));
  expect(onError).toHaveBeenCalledTimes(1);
  refuse(source, wrongOrigin);
  expect(onError).toHaveBeenCalledTimes(2);
});
