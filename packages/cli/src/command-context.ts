import type { CliIo } from './cli-io.ts';
import { type Connection, connect, type GlobalOptions } from './connection.ts';
import { type Colors, colorsFor } from './format.ts';

/** What a command works with. */
export interface CommandContext {
  io: CliIo;
  options: GlobalOptions;
  colors: Colors;
  /** Reads the settings and makes the client; nothing is sent yet. */
  connect(): Promise<Connection>;
  /** Writes to standard output: `data` as JSON with `--json`, else the text, with a line end. */
  print(text: string, data: unknown): void;
  /** Writes a remark to standard error, where it does not disturb `--json`. */
  note(text: string): void;
}

/** The context of one run. */
export function createCommandContext(io: CliIo, options: GlobalOptions): CommandContext {
  return {
    io,
    options,
    colors: colorsFor(io.stdout, io.env),
    connect: () => connect(options, io),
    print(text, data) {
      const output = options.json === true ? JSON.stringify(data, undefined, 2) : text;
      if (output !== '') io.stdout.write(`${output}\n`);
    },
    note(text) {
      io.stderr.write(`${text}\n`);
    },
  };
}
