/** Reasons why a storage cannot be opened or used; stable, meant for `switch`. */
export type StorageErrorCode =
  | 'ERR_STORAGE_LOCKED'
  | 'ERR_STORAGE_FOREIGN'
  | 'ERR_STORAGE_CORRUPT'
  | 'ERR_STORAGE_NEWER'
  | 'ERR_STORAGE_UNAVAILABLE'
  | 'ERR_STORAGE_FULL'
  | 'ERR_STORAGE_READ_ONLY'
  | 'ERR_STORAGE_CLOSED'
  | 'ERR_STORAGE_MISUSE'
  | 'ERR_ENCRYPTION_KEY_INVALID'
  | 'ERR_ENCRYPTION_KEY_MISSING'
  | 'ERR_ENCRYPTION_KEY_EXPOSED'
  | 'ERR_ENCRYPTION_KEY_WRONG'
  | 'ERR_DECRYPTION_FAILED';

/** The storage cannot be opened or used. The message says what to do and never contains a value or a key. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
