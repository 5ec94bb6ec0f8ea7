import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, expect, type MockInstance, vi } from 'vitest';

/**
 * Fails each test of the file during which React writes a warning or an error to the console.
 *
 * @param ignore - matches warnings that come from the test itself.
 */
export function forbidConsoleErrors(ignore?: RegExp): { current: MockInstance } {
  const spy = { current: vi.spyOn(console, 'error') };
  beforeEach(() => {
    spy.current = vi.spyOn(console, 'error');
  });
  afterEach(() => {
    cleanup();
    const errors = spy.current.mock.calls.filter(([message]) => !ignore?.test(String(message)));
    expect(errors).toEqual([]);
    spy.current.mockRestore();
  });
  return spy;
}
