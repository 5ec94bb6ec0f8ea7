import { expect, it } from 'vitest';
import { knownFaults } from '../known-faults.ts';

declare module 'vitest' {
  interface TaskMeta {
    knownFault?: string;
  }
}

/**
 * A test of something that should work and does not yet. It passes while `attempt` fails with the error that
 * `known-faults.ts` describes, and fails once the fault is mended, until the entry is removed.
 */
export function knownFault(id: string, title: string, attempt: () => Promise<void>): void {
  const fault = knownFaults[id];
  if (fault === undefined) throw new Error(`known-faults.ts has no "${id}".`);
  it(`${title} (known fault ${id})`, async ({ task }) => {
    const failure = await attempt().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (failure === undefined) {
      throw new Error(`"${id}" is mended: remove its entry from known-faults.ts, and call it() here.`);
    }
    expect(failure).toMatch(fault.error);
    task.meta.knownFault = id;
  });
}
