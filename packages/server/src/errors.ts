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

/** A refusal of an OAuth endpoint (RFC 6749 §5.2); the description is shown to the client. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly statusCode: number;
  readonly error: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    statusCode: number,
    error: string,
    description: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(description);
    this.statusCode = statusCode;
    this.error = error;
    this.headers = headers;
  }
}
