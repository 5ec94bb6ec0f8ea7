/**
 * Milliseconds until the time of a `Retry-After` header (RFC 9110 §10.2.3: seconds or an HTTP date), at least 0.
 * Returns undefined if the header is missing or invalid.
 *
 * @param nowMs - the wall clock that a date is compared with; default now.
 */
export function parseRetryAfter(header: string | null, nowMs: number = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  // An HTTP date starts with the name of a day; Date.parse alone would accept "-1" and "7 apples" as dates.
  const time = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}
