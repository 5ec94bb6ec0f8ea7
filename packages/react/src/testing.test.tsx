import { render, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, it } from 'vitest';
import { useConfigContext, useFlag, useLimit, usePublic } from './index.ts';
import './test-support/shop-config.ts';
import { forbidConsoleErrors } from './test-support/forbid-console-errors.ts';
import { ConfigTestProvider, setFlag, setLimit, setPublic } from './testing.tsx';

forbidConsoleErrors();

function Values(): ReactNode {
  return [useFlag('newCheckout'), useFlag('theme'), useLimit('cartItems'), usePublic('supportEmail')].join(
    ' ',
  );
}

it('gives values to hooks and changes them', () => {
  const view = render(
    <ConfigTestProvider
      flags={{ newCheckout: true, theme: 'dark' }}
      limits={{ cartItems: 7 }}
      public={{ supportEmail: 'a@example.com' }}
    >
      <Values />
    </ConfigTestProvider>,
  );
  expect(view.container.textContent).toBe('true dark 7 a@example.com');
  setFlag('newCheckout', false);
  setLimit('cartItems', 8);
  setPublic('supportEmail', 'b@example.com');
  expect(view.container.textContent).toBe('false dark 8 b@example.com');
});

it('refuses keys that the provider was not given, wrong values and a test without a provider', () => {
  expect(() => setFlag('theme', 'dark')).toThrow(/^No ConfigTestProvider is mounted/);
  render(<ConfigTestProvider flags={{ newCheckout: true }} />);
  expect(() => setFlag('theme', 'dark')).toThrow(
    /not given "theme" in "flags". Its keys there: newCheckout\./,
  );
  // @ts-expect-error not declared
  expect(() => setFlag('them', true)).toThrow(/not given "them"/);
  // @ts-expect-error not a boolean
  setFlag('newCheckout', 'yes');
});

it('has defaults for the keys that are not given', () => {
  const view = render(
    <ConfigTestProvider
      flags={{ newCheckout: true }}
      defaults={{ flags: { theme: 'dark', newCheckout: false } }}
    >
      <Values />
    </ConfigTestProvider>,
  );
  expect(view.container.textContent).toBe('true dark  ');
});

it('has a context', () => {
  const context = { userId: 'u-1' };
  const { result } = renderHook(() => useConfigContext()[0], {
    wrapper: ({ children }) => <ConfigTestProvider context={context}>{children}</ConfigTestProvider>,
  });
  expect(result.current).toEqual(context);
});
