/** A refusal that only HTTP knows, such as a missing `Host` header; the domain throws `Refusal` instead. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;

  /** @param message shown to the client */
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}
