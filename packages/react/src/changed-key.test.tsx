import type { Snapshot } from '@smooai/config/browser';
import { act, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { describe, expect, it } from 'vitest';
import { ConfigProvider, useFlag, useFlagDetails, useLimit, useLimitDetails, usePublic } from './index.ts';
import './test-support/shop-config.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';

forbidConsoleErrors();

type Group = 'public' | 'flags' | 'limits';

/** A snapshot in which only one group has the keys `one` and `two`. */
function snapshotWith(group: Group, [one, two]: [number, number], revision: string): Snapshot {
  const entries = { one: { value: one, source: 'raw' }, two: { value: two, source: 'raw' } } as const;
  const empty = { revision, public: {}, flags: {}, limits: {} };
  return { ...empty, [group]: group === 'public' ? { one, two } : entries };
}

type ReadHook = (key: never) => unknown;

const hooks: [name: string, group: Group, hook: ReadHook][] = [
  ['useFlag', 'flags', useFlag],
  ['useFlagDetails', 'flags', (key) => useFlagDetails(key)?.value],
  ['useLimit', 'limits', useLimit],
  ['useLimitDetails', 'limits', (key) => useLimitDetails(key)?.value],
  ['usePublic', 'public', usePublic],
];

function Reader(props: { name: string; useValue: ReadHook; seen: string[] }): ReactNode {
  const { name, useValue, seen } = props;
  const text = `${name} ${String(useValue(name as never))}`;
  seen.push(text);
  return text;
}

describe.each(hooks)('%s', (_, group, useHook) => {
  function setUp() {
    const source = new ManualSource();
    const seen: string[] = [];
    const snapshot = snapshotWith(group, [1, 1], '1');
    const tree = (name: string): ReactNode => (
      <ConfigProvider snapshot={snapshot} source={source}>
        <Reader name={name} useValue={useHook} seen={seen} />
      </ConfigProvider>
    );
    const view = render(tree('one'));
    return { source, seen, view, tree, shown: () => view.container.textContent };
  }

  it('shows its key, and each change of it, and nothing of another key', () => {
    const { source, seen, shown } = setUp();
    expect(shown()).toBe('one 1');
    act(() => source.push(snapshotWith(group, [1, 2], '2')));
    expect(seen).toEqual(['one 1']);
    act(() => source.push(snapshotWith(group, [2, 2], '3')));
    expect(shown()).toBe('one 2');
  });

  it('follows the new key after the key changed, and no longer the old one', () => {
    const { source, seen, view, tree, shown } = setUp();
    view.rerender(tree('two'));
    expect(shown()).toBe('two 1');
    act(() => source.push(snapshotWith(group, [1, 2], '2')));
    expect(shown()).toBe('two 2');
    seen.length = 0;
    act(() => source.push(snapshotWith(group, [9, 2], '3')));
    expect(seen).toEqual([]);
    view.rerender(tree('one'));
    expect(shown()).toBe('one 9');
    act(() => source.push(snapshotWith(group, [10, 2], '4')));
    expect(shown()).toBe('one 10');
  });

  it('keeps the last value of a key that is gone, and follows it when it comes back', () => {
    const { source, shown } = setUp();
    const empty = { revision: '2', public: {}, flags: {}, limits: {} };
    act(() => source.push(empty));
    expect(shown()).toBe('one 1');
    act(() => source.push(snapshotWith(group, [3, 3], '3')));
    expect(shown()).toBe('one 3');
  });
});
