import type { Command } from 'commander';
import type { CliIo } from '../cli-io.ts';
import type { GlobalOptions } from '../connection.ts';
import { type CommandContext, createCommandContext } from './command-context.ts';

/** What the commands are created with. */
export interface ProgramOptions {
  io: CliIo;
  version: string;
  /** Whether the caller prints errors as JSON. The parser then prints none. */
  isJson: boolean;
  /** Called with the exit code of a command that ended without an error. */
  onExitCode: (code: number) => void;
}

/** Turns a function into a commander action; it gets the context, with the options of the whole command line, first. */
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

/** Formats the examples at the end of a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ smooai-config ${line}`).join('\n')}`;
}
