import { act, render } from '@testing-library/react';
import { type ReactNode, StrictMode, Suspense, useState, useTransition } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { ConfigProvider, useConfigContext, useFlag, useSuspenseFlag } from './index.ts';
import './test-support/shop-config.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { snapshotOf } from './test-support/snapshots.ts';

forbidConsoleErrors();

const ann = { userId: 'ann', place: { country: 'NL', city: 'Delft' } };
const annAgain = { place: { city: 'Delft', country: 'NL' }, userId: 'ann' };
const bob = { userId: 'bob' };
const eve = { userId: 'eve' };

type Controls = ReturnType<typeof useConfigContext>;

interface PageProps {
  controls: { current?: Controls };
  seen: string[];
}

/** Shows the user, the theme and whether a transition is pending, and records each render. */
function Page({ controls, seen }: PageProps): ReactNode {
  const [context, setContext] = useConfigContext();
  const [isPending, startTransition] = useTransition();
  controls.current = [context, (...args) => startTransition(() => setContext(...args))];
  const text = `${String(context?.userId)} ${useFlag('theme', 'light')}`;
  seen.push(text);
  return `${text}${isPending ? ' pending' : ''}`;
}

async function setUp(page?: (props: PageProps) => ReactNode) {
  const source = new ManualSource();
  const props: PageProps = { controls: {}, seen: [] };
  const view = render(
    <StrictMode>
      <ConfigProvider source={source} context={ann} fallback="One moment">
        {page ? page(props) : <Page {...props} />}
      </ConfigProvider>
    </StrictMode>,
  );
  // React looks at a promise that has suspended a tree in a microtask.
  const push = (theme: string, context: unknown): Promise<void> =>
    act(async () => source.push(snapshotOf({ theme, newCheckout: true }), context));
  await push('dark', ann);
  props.seen.length = 0;
  const set: Controls[1] = (...args) => act(() => props.controls.current?.[1](...args));
  return { source, set, push, shown: () => view.container.textContent, ...props, view };
}

describe('setContext', () => {
  it('keeps the old tree until the values of the new context arrive, and shows none of the old as the new', async () => {
    const { source, set, push, shown, seen } = await setUp();
    expect(shown()).toBe('ann dark');
    set(bob);
    expect(shown()).toBe('ann dark pending');
    expect([...source.stores.values()]).toEqual([ann, bob]);
    // The old tree is alive meanwhile.
    await push('light', ann);
    expect(shown()).toBe('ann light pending');
    await push('dark', bob);
    expect(shown()).toBe('bob dark');
    expect([...source.stores.values()]).toEqual([bob]);
    expect(seen).not.toContain('bob light');
  });

  it('shows the fallback meanwhile if the tree is not to be kept', async () => {
    const { set, push, shown } = await setUp();
    set(bob, { hold: false });
    expect(shown()).toBe('One moment');
    await push('light', ann);
    expect(shown()).toBe('One moment');
    await push('light', bob);
    expect(shown()).toBe('bob light');
  });

  it('drops a context that was replaced before its values arrived', async () => {
    const { source, set, push, shown, seen } = await setUp();
    set(bob);
    const late = [...source.stores.keys()].at(-1);
    set(eve);
    expect([...source.stores.values()]).toEqual([ann, eve]);
    await push('light', eve);
    await act(async () => late?.replace(snapshotOf({ theme: 'dark' }, '9')));
    expect(shown()).toBe('eve light');
    expect(seen.some((text) => text.startsWith('bob'))).toBe(false);
  });

  it('changes nothing for an equal context, and returns to the current one', async () => {
    const { source, set, push, shown } = await setUp();
    const connects = source.connects;
    set(annAgain);
    expect(source.connects).toBe(connects);
    set(bob);
    set({ ...bob });
    expect(source.connects).toBe(connects + 1);
    set(annAgain);
    expect(shown()).toBe('ann dark');
    expect([...source.stores.values()]).toEqual([ann]);
    await push('light', ann);
    expect(shown()).toBe('ann light');
  });

  it('shows the defaults if no values arrive in time', async () => {
    vi.useFakeTimers();
    try {
      const { set, shown } = await setUp();
      set(bob);
      act(() => void vi.advanceTimersByTime(4999));
      expect(shown()).toBe('ann dark pending');
      await act(async () => vi.advanceTimersByTime(1));
      expect(shown()).toBe('bob light');
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves no connection when the provider is unmounted in between', async () => {
    const { source, set, view } = await setUp();
    set(bob);
    view.unmount();
    await Promise.resolve();
    expect(source.stores.size).toBe(0);
  });

  it('suspends a component that waits for the values', async () => {
    const { set, push, shown } = await setUp((props) => (
      <>
        <Page {...props} />
        <Suspense fallback=" …">
          <Suspended />
        </Suspense>
      </>
    ));
    expect(shown()).toBe('ann dark dark');
    set(bob);
    await push('light', bob);
    expect(shown()).toBe('bob light light');
  });
});

function Suspended(): ReactNode {
  return ` ${useSuspenseFlag('theme')}`;
}

function App({ source, user }: { source: ManualSource; user: object }): ReactNode {
  const [text] = useState('kept');
  return (
    <ConfigProvider source={source} context={{ ...user }} fallback="One moment">
      {text} <Theme />
    </ConfigProvider>
  );
}

describe('the context prop', () => {
  it('shows the fallback at once when it changes, and never a value of the old context', async () => {
    const source = new ManualSource();
    const view = render(<App source={source} user={ann} />);
    act(() => source.push(snapshotOf({ theme: 'dark' }), ann));
    expect(view.container.textContent).toBe('kept dark');
    view.rerender(<App source={source} user={annAgain} />);
    expect(source.connects).toBe(1);
    view.rerender(<App source={source} user={bob} />);
    expect(view.container.textContent).toBe('One moment');
    expect([...source.stores.values()]).toEqual([bob]);
    act(() => source.push(snapshotOf({ theme: 'light' }), bob));
    expect(view.container.textContent).toBe('kept light');
  });
});

function Theme(): ReactNode {
  return useFlag('theme');
}
