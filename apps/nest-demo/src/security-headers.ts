/** The parts of an answer that this needs. */
interface HeaderTarget {
  setHeader(name: string, value: string): unknown;
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The mark in shop.css is a data URL.
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Lets the page run and show what comes from here, and nothing else. */
export function securityHeaders(_request: unknown, response: HeaderTarget, next: () => void): void {
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'same-origin');
  next();
}
