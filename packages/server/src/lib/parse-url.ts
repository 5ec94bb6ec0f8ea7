/** The URL that a text is, or undefined. Not by `URL.canParse`: once optimized, that of Node 20 refuses letters outside ASCII. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
