/** The UTF-8 bytes of a string as a binary string, one character per byte, as `btoa` expects it. */
export function toBinaryString(text: string): string {
  let binary = '';
  // Not spread into one call: a long string has more bytes than a call can have arguments.
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return binary;
}

/** Base64 of the UTF-8 bytes of a string. */
export function toBase64(text: string): string {
  return btoa(toBinaryString(text));
}
