import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** The key of a secret; undefined if it has the prefix of Standard Webhooks but is not base64. */
export function signingKey(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret);
  const text = secret.slice(PREFIX.length);
  return text !== '' && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/**
 * The headers that sign a request now, in version 1 of https://www.standardwebhooks.com: HMAC-SHA256 over id, timestamp
 * and body.
 * @param message `id` stays the same when a message is sent again
 */
export function signatureHeaders(
  key: Buffer,
  { id, body }: { id: string; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}
