import { createContext, Script } from 'node:vm';

const sandbox: { run: () => void } = { run: () => undefined };
const context = createContext(sandbox);
const script = new Script('run()');

/** The result of {@link runWithin}: that of the work, or that the work was stopped. */
export type TimedResult<Result> = { inTime: true; result: Result } | { inTime: false };

/**
 * Runs synchronous work and stops it after `limitMs` milliseconds, even inside a regular expression. The work may be
 * stopped anywhere, so it must not change any shared state.
 */
export function runWithin<Result>(limitMs: number, work: () => Result): TimedResult<Result> {
  let outcome: TimedResult<Result> = { inTime: false };
  sandbox.run = () => {
    outcome = { inTime: true, result: work() };
  };
  try {
    // Used for its time limit, not as a sandbox: only node:vm can stop synchronous code, including everything it calls.
    script.runInContext(context, { timeout: limitMs });
  } catch (error) {
    if (!isTimeout(error)) throw error;
  } finally {
    sandbox.run = () => undefined;
  }
  return outcome;
}

function isTimeout(error: unknown): boolean {
  // Checked by its code alone: if modules run in their own context, the error has a different class.
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
