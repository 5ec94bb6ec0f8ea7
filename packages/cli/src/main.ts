import { Console } from 'node:console';
import { EXIT } from './errors.ts';
import { describeFailure } from './failure.ts';
import { run } from './run.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has closed the pipe (`| head`). 141 is the exit code of a program that SIGPIPE ends.
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
}

// A schema file is a program. Its logs must not mix with our output, and its unhandled errors must not print a stack.
globalThis.console = new Console(process.stderr, process.stderr);
const fail = (message: string): never => {
  process.stderr.write(`error: ${message}\n`);
  process.exit(EXIT.failure);
};
process.on('uncaughtException', (error) => fail(describeFailure(error).message));
process.once('beforeExit', () =>
  fail('The command did not finish: the schema file waits for something that never happens.'),
);

const exitCode = await run(process.argv.slice(2));
for (const stream of [process.stdout, process.stderr]) {
  // Waits until everything is written, since output to a pipe may be asynchronous.
  await new Promise<void>((resolve) => void stream.write('', () => resolve()));
}
// A timer or connection that the schema file left open, or a terminal on standard input, would keep the process alive.
process.exit(exitCode);
