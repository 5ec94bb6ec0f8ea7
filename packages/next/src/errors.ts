/** A read inside `'use cache'` whose result must not be stored, or would be stored for every visitor. */
export class CachedReadError extends Error {
  override readonly name = 'CachedReadError';
  readonly code = 'ERR_CACHED_READ' as const;
}
