import { act, render } from '@testing-library/react';
import { type ReactNode, StrictMode, Suspense } from 'react';
import { expect, it, vi } from 'vitest';
import { ConfigProvider } from './index.ts';
import './test-support/shop-config.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { snapshotOf } from './test-support/snapshots.ts';
import { type ExposureEvent, TrackingProvider, useFlag, useTrack } from './tracking.tsx';

forbidConsoleErrors();

const context = { userId: 'ann' };

function Theme(): ReactNode {
  return useFlag('theme', 'light');
}

function setUp(children: ReactNode) {
  const source = new ManualSource();
  const onExposure = vi.fn<(event: ExposureEvent) => void>();
  const onTrack = vi.fn();
  const view = render(
    <StrictMode>
      <ConfigProvider source={source} context={context}>
        <TrackingProvider onExposure={onExposure} onTrack={onTrack}>
          {children}
        </TrackingProvider>
      </ConfigProvider>
    </StrictMode>,
  );
  const push = (theme: string, revision: string): Promise<void> =>
    act(async () => source.push(snapshotOf({ theme }, revision)));
  const exposed = (): unknown[] =>
    onExposure.mock.calls.map(([event]) => event.attributes['feature_flag.result.value']);
  return { push, exposed, onExposure, onTrack, source, view };
}

it('reports a value once it is on the page, once for each key, value and context, and never a fallback', async () => {
  const { push, exposed, onExposure } = setUp([<Theme key="one" />, <Theme key="two" />]);
  await act(async () => {});
  expect(exposed()).toEqual([]);
  await push('light', '1');
  await push('dark', '2');
  await push('light', '3');
  expect(exposed()).toEqual(['light', 'dark']);
  expect(onExposure.mock.calls[0]).toEqual([
    {
      name: 'feature_flag.evaluation',
      attributes: {
        'feature_flag.key': 'theme',
        'feature_flag.result.value': 'light',
        'feature_flag.result.reason': 'static',
        'feature_flag.provider.name': 'smooai-config',
        'feature_flag.version': '1',
      },
      context,
    },
  ]);
});

const forever = new Promise(() => {});

function Never(): ReactNode {
  throw forever;
}

it('does not report a value that was rendered but not shown', async () => {
  const { push, exposed } = setUp(
    <Suspense fallback="…">
      <Theme />
      <Never />
    </Suspense>,
  );
  await push('dark', '1');
  expect(exposed()).toEqual([]);
});

function Buy(): ReactNode {
  const track = useTrack();
  return (
    <button type="button" onClick={() => track('purchase', { value: 9 })}>
      Buy
    </button>
  );
}

it('reports events with the context', () => {
  const { view, onTrack } = setUp(<Buy />);
  act(() => view.getByRole('button').click());
  expect(onTrack.mock.calls).toEqual([['purchase', context, { value: 9 }]]);
});
