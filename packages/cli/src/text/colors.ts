import pc from 'picocolors';
import type { CliIo, CliOutput } from '../cli-io.ts';

/** Functions that colour text, or return it unchanged. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Returns the colours for an output: on a terminal, unless NO_COLOR or FORCE_COLOR in the environment says otherwise. */
export function colorsFor(output: CliOutput, env: CliIo['env']): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return pc.createColors(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return pc.createColors(FORCE_COLOR !== '0');
  return pc.createColors(output.isTTY === true && TERM !== 'dumb');
}
