/** The part of a response that {@link securityHeaders} uses. */
interface HeaderTarget {
  setHeader(name: string, value: string): unknown;
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The logo in shop.css is a data URL.
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Sets the security headers: the page can only load scripts, styles and data from this server. */
export function securityHeaders(_request: unknown, response: HeaderTarget, next: () => void): void {
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'same-origin');
  next();
}
