/** Exit codes. `failure`: the server refused, or something failed. `usage`: the command was used incorrectly. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** An error whose message is shown to the user as it is, without a stack. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number = EXIT.failure;
  /** Further fields of the error with `--json`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.details = details;
  }
}

/** The command was used incorrectly: an argument, a file or a setting is missing or wrong. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
  override readonly exitCode: number = EXIT.usage;
}
