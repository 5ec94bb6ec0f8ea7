import { expect, it } from 'vitest';
import { type KnownFault, type KnownFaultId, knownFaults } from '../known-faults.ts';

declare module 'vitest' {
  interface TaskMeta {
    knownFault?: KnownFaultId;
  }
}

/**
 * A test of something that should work and does not yet. It passes while `attempt` fails with the error that
 * `known-faults.ts` describes, and fails once the fault is mended, until the entry is removed.
 */
export function knownFault(id: KnownFaultId, title: string, attempt: () => Promise<void>): void {
  it(`${title} (known fault ${id})`, async ({ task }) => {
    const failure = await attempt().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (failure === undefined) {
      throw new Error(`"${id}" is mended: remove its entry from known-faults.ts, and call it() here.`);
    }
    const fault: KnownFault = knownFaults[id];
    expect(failure).toMatch(fault.error);
    task.meta.knownFault = id;
  });
}
