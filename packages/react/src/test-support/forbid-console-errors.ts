import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, expect, type MockInstance, vi } from 'vitest';

/** Warnings of React because the server and the browser are one process in these tests. */
const ONE_PROCESS = /multiple renderers concurrently rendering|useLayoutEffect does nothing on the server/;

/** Fails each test of the file during which React writes another warning or an error to the console. */
export function forbidConsoleErrors(): { current: MockInstance } {
  const spy = { current: vi.spyOn(console, 'error') };
  beforeEach(() => {
    spy.current = vi.spyOn(console, 'error');
  });
  afterEach(() => {
    cleanup();
    const errors = spy.current.mock.calls.filter(([message]) => !ONE_PROCESS.test(String(message)));
    expect(errors).toEqual([]);
    spy.current.mockRestore();
  });
  return spy;
}
