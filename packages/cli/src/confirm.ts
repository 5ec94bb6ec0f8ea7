import { type CliIo, readLine } from './cli-io.ts';
import { CliError, UsageError } from './errors.ts';

/** Whether the user can be asked: standard input and standard error are terminals. */
export function canAsk({ stdin, stderr }: CliIo): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Asks on the terminal. Returns true only for "y" or "yes". */
export async function ask({ stdin, stderr }: CliIo, question: string): Promise<boolean> {
  stderr.write(`${question}? [y/N] `);
  return /^y(es)?$/i.test((await readLine(stdin)).trim());
}

/**
 * Asks before an action that cannot be undone, unless `--yes` was given.
 *
 * @throws {UsageError} without a terminal to ask on, and {CliError} if the user does not agree.
 */
export async function confirmLoss(
  io: CliIo,
  action: { question: string; consequence: string; yes: boolean | undefined },
): Promise<void> {
  if (action.yes === true) return;
  if (!canAsk(io)) throw new UsageError(`${action.consequence} ${NEEDS_YES}`);
  if (!(await ask(io, action.question))) throw new CliError('Nothing was changed.');
}

/** The end of a message that refuses an action because the user cannot be asked. */
export const NEEDS_YES = 'Not running in a terminal, so this needs --yes.';
