import { act, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, it } from 'vitest';
import { Flag } from './flag.tsx';
import { ConfigProvider, useFlag, useFlagDetails } from './index.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ManualSource } from './test-support/manual-source.ts';
import { first, flipped } from './test-support/snapshots.ts';

forbidConsoleErrors();

function Checkout({ rows }: { rows: readonly string[] }): ReactNode {
  const newCheckout = useFlag('newCheckout', false);
  const details = useFlagDetails('newCheckout');
  const texts = rows.map((row) => `${row} ${newCheckout}`);
  return (
    <p>
      {texts.join(', ')} {String(details?.value)}{' '}
      <Flag name="newCheckout" is={true} fallback="two">
        {() => 'one'}
      </Flag>
    </p>
  );
}

it('compiles the components of the test and of the package', () => {
  // The compiler's cache of a component.
  expect(String(Checkout)).toMatch(/\bconst \$ = .*\(\d+\)/);
});

it('shows each change in compiled components, whose props stay the same', () => {
  const source = new ManualSource();
  const rows = ['a', 'b'];
  const view = render(
    <ConfigProvider snapshot={first} source={source}>
      <Checkout rows={rows} />
    </ConfigProvider>,
  );
  expect(view.container.textContent).toBe('a false, b false false two');
  act(() => source.push(flipped));
  expect(view.container.textContent).toBe('a true, b true true one');
  act(() => source.push({ ...first, revision: '3' }));
  expect(view.container.textContent).toBe('a false, b false false two');
});
