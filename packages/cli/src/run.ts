import { CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { type CliIo, processIo } from './cli-io.ts';
import { EXIT } from './errors.ts';
import { commanderFailure, describeFailure } from './failure.ts';
import { createProgram } from './program/create-program.ts';
import { proxyHint } from './proxy-fetch.ts';
import { colorsFor } from './text/colors.ts';

/**
 * Runs one command line. Never throws and never ends the process.
 *
 * @param argv - the arguments after the program's name.
 * @param io - what it reads from and writes to; default the streams and variables of the process.
 * @returns the exit code: 0 done, 1 refused by the server or failed, 2 used incorrectly.
 * @example
 * const exitCode = await run(['set', 'flags.newCheckout', 'true', '--credentials', file]);
 */
export async function run(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  let exitCode: number = EXIT.ok;
  // Not read from the parser, because the parser may be what fails. After "--", "--json" is a value.
  const isJson = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length).includes('--json');
  const program = createProgram({
    io,
    isJson,
    version: packageJson.version,
    onExitCode: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    const failure = error instanceof CommanderError ? commanderFailure(error) : describeFailure(error);
    // Help and version are not failures, and commander has already printed its own errors.
    if (failure.exitCode === EXIT.ok || (error instanceof CommanderError && !isJson)) return failure.exitCode;
    const message = failure.message + proxyHint(error, io.env);
    const text = isJson
      ? JSON.stringify({ error: { code: failure.code, message, ...failure.details } })
      : colorsFor(io.stderr, io.env).red(`error: ${message}`);
    io.stderr.write(`${text}\n`);
    return failure.exitCode;
  }
}
