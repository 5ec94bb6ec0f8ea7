import type { WriteScope } from '../storage/storage.ts';
import type { ChangeWriter, WriteTransaction } from './change-writer.ts';
import { Refusal } from './refusal.ts';
import { type ValueVerdicts, VerdictsMissing } from './validation/value-verdicts.ts';

/** The first finds out what to check, unless that was known. A further one is needed only if another write came in between. */
const MAX_ROUNDS = 5;

interface CheckedWriteOptions<Result> {
  verdicts: ValueVerdicts;
  /** Calls `verdicts.requireComplete()` before it changes anything. */
  work: (transaction: WriteTransaction) => Promise<Result>;
  /** See `Storage.transaction`. */
  scope?: WriteScope;
}

/**
 * Runs a write that needs verdicts on values, and runs it again once they are known: they are made while other writes run.
 * @throws {Refusal} `conflict` if other requests change the schema or its values each time
 */
export async function runCheckedWrite<Result>(
  writer: ChangeWriter,
  { verdicts, work, scope }: CheckedWriteOptions<Result>,
): Promise<Result> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!verdicts.isComplete) await verdicts.complete();
    try {
      return await writer.run(work, scope);
    } catch (error) {
      if (!(error instanceof VerdictsMissing)) throw error;
    }
  }
  throw new Refusal(
    'conflict',
    'Other requests keep changing the schema or its values while this one is checked. Try again.',
  );
}
