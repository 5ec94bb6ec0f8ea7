/** A refusal that a client sees: `{ message, cause? }` with that status. Messages never hold a secret or a token. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;
  /** Why, in more detail: shown to the client as `cause`. */
  readonly detail: string | undefined;
  /** Further fields of the body, such as the list of a 409. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;

  constructor(
    statusCode: number,
    message: string,
    more: { detail?: string; fields?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.detail = more.detail;
    this.fields = more.fields;
  }
}
