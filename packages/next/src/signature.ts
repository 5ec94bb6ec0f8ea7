/** How far the clock of the sender may be off, and how old a request may be, in seconds. */
const TOLERANCE_S = 300;

/** The three headers of a signed request, as the specification of Standard Webhooks names them. */
const ID = 'webhook-id';
const TIMESTAMP = 'webhook-timestamp';
const SIGNATURE = 'webhook-signature';

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The result of {@link checkSignature}. `missing`: the request is not signed. */
export type SignatureCheck = 'valid' | 'missing' | 'expired' | 'invalid';

/**
 * Returns the headers that sign a body: HMAC-SHA256 over id, timestamp and body, in the form of
 * https://www.standardwebhooks.com (version 1).
 */
export async function signatureHeaders(secret: string, body: string): Promise<Record<string, string>> {
  const id = `msg_${crypto.randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = await hmacKey(secretBytes(secret));
  const mac = await crypto.subtle.sign('HMAC', key, encode(`${id}.${timestamp}.${body}`));
  return { [ID]: id, [TIMESTAMP]: timestamp, [SIGNATURE]: `v1,${base64(new Uint8Array(mac))}` };
}

/** Checks the signature of a request's body, in constant time. The header may contain several, as during a rotation. */
export async function checkSignature(
  headers: Headers,
  secret: string,
  body: string,
): Promise<SignatureCheck> {
  const [id, timestamp, signatures] = [ID, TIMESTAMP, SIGNATURE].map((name) => headers.get(name));
  if (signatures === null || signatures === undefined) return 'missing';
  if (!id || !timestamp || !/^\d{1,12}$/.test(timestamp)) return 'invalid';
  const key = await hmacKey(secretBytes(secret));
  const signed = encode(`${id}.${timestamp}.${body}`);
  let isValid = false;
  for (const signature of signatures.split(' ').slice(0, 10)) {
    const mac = signature.startsWith('v1,') ? bytesOf(signature.slice(3)) : undefined;
    if (mac !== undefined && (await crypto.subtle.verify('HMAC', key, mac, signed))) isValid = true;
  }
  if (!isValid) return 'invalid';
  // After the signature, so that only a sender who knows the secret learns about the clock.
  return Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S ? 'expired' : 'valid';
}

/** Compares two texts in a time that does not depend on where they differ, nor on their lengths. */
export async function isSameText(one: string, other: string): Promise<boolean> {
  const key = await hmacKey(crypto.getRandomValues(new Uint8Array(32)));
  const mac = await crypto.subtle.sign('HMAC', key, encode(one));
  return crypto.subtle.verify('HMAC', key, mac, encode(other));
}

/** Web Crypto, because the edge runtime has no `node:crypto`. */
function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

/** A secret with the prefix of Standard Webhooks is base64; all others are used as they are. */
function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const decoded = secret.startsWith('whsec_') ? bytesOf(secret.slice('whsec_'.length)) : undefined;
  // White space decodes to nothing, and HMAC needs a key that is not empty.
  return decoded === undefined || decoded.length === 0 ? encode(secret) : decoded;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
