import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { type CommandContext, createCommandContext } from './command-context.ts';
import type { GlobalOptions } from './connection.ts';

/** What {@link createProgram} takes. */
export interface ProgramOptions {
  io: CliIo;
  version: string;
  /** Keeps the parser quiet about errors, which the caller tells as JSON. */
  isJson: boolean;
  /** Told the exit code of a command that ended without an error. */
  onExitCode: (code: number) => void;
}

/** An action with the context of its run; the options of the whole line are in it. */
export function withContext<Arguments extends unknown[]>(
  options: ProgramOptions,
  action: (context: CommandContext, ...rest: Arguments) => Promise<unknown>,
): (...rest: [...Arguments, Command]) => Promise<void> {
  return async (...rest) => {
    const command = rest.at(-1) as Command;
    const context = createCommandContext(options.io, command.optsWithGlobals<GlobalOptions>());
    const code = await action(context, ...(rest.slice(0, -1) as Arguments));
    if (typeof code === 'number') options.onExitCode(code);
  };
}

/** Lines at the end of a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ smooai-config ${line}`).join('\n')}`;
}
