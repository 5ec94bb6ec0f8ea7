import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, expect, type MockInstance, vi } from 'vitest';

/** Fails each test of the file during which React writes a warning or an error to the console. */
export function forbidConsoleErrors(): { current: MockInstance } {
  const spy = { current: vi.spyOn(console, 'error') };
  beforeEach(() => {
    spy.current = vi.spyOn(console, 'error');
  });
  afterEach(() => {
    cleanup();
    expect(spy.current).not.toHaveBeenCalled();
    spy.current.mockRestore();
  });
  return spy;
}
