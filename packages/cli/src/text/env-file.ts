/** Text that shells and dotenv both read as it is. A `~` is missing because a shell may expand it. */
const PLAIN = /^[\w./:@%+,=-]*$/;

/** A line of a `.env` file. */
export interface EnvLine {
  text: string;
  /** False if no quoting means the same to dotenv and to a shell; the text is then right for a shell. */
  isPortable: boolean;
}

/** Writes a variable so that dotenv, `node --env-file` and `set -a; . .env` read the same value, if they can. */
export function envLine(name: string, value: string): EnvLine {
  if (PLAIN.test(value)) return { text: `${name}=${value}`, isPortable: true };
  // Between single quotes both take everything literally, but dotenv reads a final backslash as part of the quote.
  if (!/'|\\$|\r/.test(value)) return { text: `${name}='${value}'`, isPortable: true };
  if (!/["$`\\\r]/.test(value)) return { text: `${name}="${value}"`, isPortable: true };
  return { text: `${name}='${value.replaceAll("'", `'"'"'`)}'`, isPortable: false };
}
