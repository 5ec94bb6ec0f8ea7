/** As much of a response's headers as is read. */
interface Headers {
  get(name: string): string | null;
}

/**
 * Milliseconds until the time of the `Retry-After` header (RFC 9110 §10.2.3: seconds or an HTTP date), at least 0.
 * Returns undefined if the header is missing or invalid. A date is compared with the response's own `Date`, because the
 * clocks of client and server may differ.
 */
export function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const time = parseHttpDate(text);
  if (time === undefined) return undefined;
  return Math.max(0, time - (parseHttpDate(headers.get('date')?.trim() ?? '') ?? Date.now()));
}

function parseHttpDate(text: string): number | undefined {
  // An HTTP date starts with the name of a day; Date.parse alone would accept "-1" and "7 apples" as dates.
  const time = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
