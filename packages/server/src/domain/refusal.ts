/** Why a request is refused, in terms of the domain; `http/error-handling.ts` maps each code to an HTTP status. */
export type RefusalCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition-failed'
  | 'too-large'
  | 'too-many-requests'
  | 'busy';

/** A refusal that the caller sees as `{ message, cause? }`. Its texts never contain a secret or a token. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** More about the reason, shown to the caller as `cause`. */
  readonly detail: string | undefined;
  /** Further fields of the response body, such as the list of a conflict. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** When the caller may try again, in seconds. */
  readonly retryAfterSec: number | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    more: { detail?: string; fields?: Readonly<Record<string, unknown>>; retryAfterSec?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.detail = more.detail;
    this.fields = more.fields;
    this.retryAfterSec = more.retryAfterSec;
  }
}
