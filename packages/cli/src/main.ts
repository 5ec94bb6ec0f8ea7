import { Console } from 'node:console';
import { EXIT } from './errors.ts';
import { describeFailure } from './failure.ts';
import { run } from './run.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has seen enough (`| head`); the code is that of a program that SIGPIPE ended.
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
}

// A schema file is a program: what it logs is not our output, what it leaves unhandled no stack of ours.
globalThis.console = new Console(process.stderr, process.stderr);
const fail = (message: string): never => {
  process.stderr.write(`error: ${message}\n`);
  process.exit(EXIT.failure);
};
process.on('uncaughtException', (error) => fail(describeFailure(error).message));
process.once('beforeExit', () =>
  fail('The command never came to its end: the schema file waits for something.'),
);

const exitCode = await run(process.argv.slice(2));
for (const stream of [process.stdout, process.stderr]) {
  // What was written to a pipe is still to be flushed.
  await new Promise<void>((resolve) => void stream.write('', () => resolve()));
}
// A schema file may have left a timer or a connection open, and a terminal on standard input stays open too.
process.exit(exitCode);
