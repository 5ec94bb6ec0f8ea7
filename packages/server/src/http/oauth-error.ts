/** Error codes of RFC 6749 §5.2 that this server sends. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unsupported_grant_type';

/** A refusal of an OAuth endpoint (RFC 6749 §5.2); the description is shown to the client. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly error: OAuthErrorCode;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  /** The status is 401 for `invalid_client` and 400 for every other code, unless `options.status` says otherwise. */
  constructor(
    error: OAuthErrorCode,
    description: string,
    options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(description);
    this.error = error;
    this.statusCode = options.status ?? (error === 'invalid_client' ? 401 : 400);
    this.headers = options.headers ?? {};
  }
}
