import type { ChangeWriter, WriteTransaction } from './change-writer.ts';
import { Refusal } from './refusal.ts';
import { type ValueVerdicts, VerdictsMissing } from './validation/value-verdicts.ts';

/** The first finds out what to check. A further one is needed only if another write came in between. */
const MAX_ROUNDS = 5;

/**
 * Runs a write that needs verdicts on values, and runs it again once they are known: they are made while other writes run.
 * `work` calls `verdicts.requireComplete()` before it changes anything.
 * @throws {Refusal} `conflict` if other requests change the schema or its values each time
 */
export async function runCheckedWrite<Result>(
  writer: ChangeWriter,
  verdicts: ValueVerdicts,
  work: (transaction: WriteTransaction) => Promise<Result>,
): Promise<Result> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    try {
      return await writer.run(work);
    } catch (error) {
      if (!(error instanceof VerdictsMissing)) throw error;
    }
    await verdicts.complete();
  }
  throw new Refusal(
    'conflict',
    'Other requests keep changing the schema or its values while this one is checked. Try again.',
  );
}
