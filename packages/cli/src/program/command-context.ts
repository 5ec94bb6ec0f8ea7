import type { CliIo } from '../cli-io.ts';
import { type Connection, type ConnectOptions, connect, type GlobalOptions } from '../connection.ts';
import { type Colors, colorsFor } from '../text/colors.ts';

/** What a command has to work with. */
export interface CommandContext {
  io: CliIo;
  options: GlobalOptions;
  colors: Colors;
  /** Reads the settings and creates the API client. Sends nothing yet. */
  connect(extra?: ConnectOptions): Promise<Connection>;
  /** Writes one result to standard output: `data` as JSON with `--json`, else `text`. */
  print(text: string, data: unknown): void;
  /** Writes a note to standard error, so that it never mixes with a result. */
  note(text: string): void;
}

/** Creates the context of one run. */
export function createCommandContext(io: CliIo, options: GlobalOptions): CommandContext {
  return {
    io,
    options,
    colors: colorsFor(io.stdout, io.env),
    connect: (extra) => connect(options, io, extra),
    print(text, data) {
      const output = options.json === true ? JSON.stringify(data, undefined, 2) : text;
      if (output !== '') io.stdout.write(`${output}\n`);
    },
    note(text) {
      io.stderr.write(`${text}\n`);
    },
  };
}
