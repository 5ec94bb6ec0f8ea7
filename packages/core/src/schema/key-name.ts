const MAX_KEY_LENGTH = 255;
/** Names that can change how a JavaScript object behaves. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Why a string cannot be the key of a schema, or undefined if it can. A key has 1 to 255 characters (UTF-16 code units),
 * without control characters and lone surrogates.
 */
export function findKeyIssue(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.length > MAX_KEY_LENGTH)
    return `has ${key.length} characters, but a key has at most ${MAX_KEY_LENGTH}`;
  if (RESERVED_KEYS.has(key)) return 'is reserved by JavaScript';
  if (/[\p{Cc}\p{Cs}]/u.test(key)) return 'contains a control character or half of a surrogate pair';
  return undefined;
}
