export { type CliInput, type CliIo, type CliOutput, processIo } from './cli-io.ts';
export { run } from './run.ts';
