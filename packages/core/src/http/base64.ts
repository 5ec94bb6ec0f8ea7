/** The UTF-8 bytes of a text, one character each, as `btoa` takes them. */
export function binaryOf(text: string): string {
  let binary = '';
  // No spread: a long text has more bytes than a call may have arguments.
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return binary;
}
