/** Reasons why a server could not start; stable, meant for `switch`. */
export type ServerStartErrorCode =
  | 'ERR_OPTIONS_INVALID'
  | 'ERR_ADDRESS_UNAVAILABLE'
  | 'ERR_DATABASE_UNAVAILABLE'
  | 'ERR_DATABASE_MISSING'
  | 'ERR_CREDENTIALS_FILE';

/** The server could not start. The message says what to do and never contains a secret. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
  readonly code: ServerStartErrorCode;

  constructor(code: ServerStartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
