import { CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { type CliIo, processIo } from './cli-io.ts';
import { EXIT } from './errors.ts';
import { commanderFailure, describeFailure } from './failure.ts';
import { colorsFor } from './format.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command line and answers its exit code: 0 done, 1 refused by the server or failed, 2 used wrongly.
 * It neither throws nor ends the process.
 *
 * @param argv - the arguments after the program's name.
 * @param io - where it reads and writes; default the process's own.
 * @example
 * const exitCode = await run(['set', 'flags.newCheckout', 'true', '--credentials', file]);
 */
export async function run(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  let exitCode: number = EXIT.ok;
  // Not from the parser, which may be what fails; after "--" it is a value.
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
    // Commander has told its own errors already, and help and version are no failure.
    if (failure.exitCode === EXIT.ok || (error instanceof CommanderError && !isJson)) return failure.exitCode;
    const text = isJson
      ? JSON.stringify({ error: { code: failure.code, message: failure.message } })
      : colorsFor(io.stderr, io.env).red(`error: ${failure.message}`);
    io.stderr.write(`${text}\n`);
    return failure.exitCode;
  }
}
