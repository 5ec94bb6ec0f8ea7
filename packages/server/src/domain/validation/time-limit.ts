import { createContext, Script } from 'node:vm';

const sandbox: { run: () => void } = { run: () => undefined };
const context = createContext(sandbox);
const script = new Script('run()');

/** What {@link runWithin} answers: the result of the work, or that it was stopped. */
export type TimedResult<Result> = { inTime: true; result: Result } | { inTime: false };

/**
 * Runs synchronous work and stops it after so many milliseconds, even inside of a regular expression. The work must be
 * one that may be stopped anywhere: it changes nothing that others see.
 */
export function runWithin<Result>(limitMs: number, work: () => Result): TimedResult<Result> {
  let answer: TimedResult<Result> = { inTime: false };
  sandbox.run = () => {
    answer = { inTime: true, result: work() };
  };
  try {
    // Not a sandbox: only a script of node:vm has a time limit, and the limit holds for all that it calls.
    script.runInContext(context, { timeout: limitMs });
  } catch (error) {
    if (!isTimeout(error)) throw error;
  } finally {
    sandbox.run = () => undefined;
  }
  return answer;
}

function isTimeout(error: unknown): boolean {
  // By its code alone: where modules run in a context of their own, its class is another one.
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
