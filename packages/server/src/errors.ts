/** Why a server did not start. */
export type ServerStartErrorCode =
  | 'ERR_OPTIONS_INVALID'
  | 'ERR_ADDRESS_UNAVAILABLE'
  | 'ERR_DATABASE_UNAVAILABLE'
  | 'ERR_CREDENTIALS_FILE';

/** The server could not start; the message says what to do. It holds no secret. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
  readonly code: ServerStartErrorCode;

  constructor(code: ServerStartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
