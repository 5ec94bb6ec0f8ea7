import { run } from './run.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has seen enough (`| head`); the code is that of a program that SIGPIPE ended.
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
}

// An exit code instead of an exit: what was written to a pipe is still to be flushed.
process.exitCode = await run(process.argv.slice(2));
// A terminal or pipe on standard input that nobody reads any more must not keep the process alive.
process.stdin.unref?.();
