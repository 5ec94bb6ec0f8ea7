import { type CliIo, readLine } from './cli-io.ts';
import type { CommandContext } from './command-context.ts';
import { CliError, UsageError } from './errors.ts';

/** Whether somebody can be asked: standard input and error are a terminal. */
export function canAsk({ stdin, stderr }: CliIo): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Asks on the terminal; anything but a yes is a no. */
export async function ask({ stdin, stderr }: CliIo, question: string): Promise<boolean> {
  stderr.write(`${question}? [y/N] `);
  return /^y(es)?$/i.test((await readLine(stdin)).trim());
}

/**
 * Lets pass what cannot be undone only where it is wanted: by `--yes`, or by an answer on the terminal.
 *
 * @throws {UsageError} where nobody can be asked, and {CliError} where the answer is no.
 */
export async function confirmLoss(
  { io }: CommandContext,
  wish: { question: string; what: string; yes: boolean | undefined },
): Promise<void> {
  if (wish.yes === true) return;
  if (!canAsk(io)) {
    throw new UsageError(`${wish.what}, and there is no terminal to ask on. Give --yes to do it.`);
  }
  if (!(await ask(io, wish.question))) throw new CliError('Nothing was changed.');
}
