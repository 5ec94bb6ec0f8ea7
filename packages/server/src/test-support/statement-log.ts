import Database from 'libsql';
import { onTestFinished, vi } from 'vitest';

/** Records the SQL of every statement that this process prepares until the test ends. */
export function logStatements(): { clear: () => void; matching: (pattern: RegExp) => string[] } {
  const prepare = vi.spyOn(Database.prototype, 'prepare');
  onTestFinished(() => prepare.mockRestore());
  return {
    clear: () => prepare.mockClear(),
    matching: (pattern) => prepare.mock.calls.map(([sql]) => sql).filter((sql) => pattern.test(sql)),
  };
}
