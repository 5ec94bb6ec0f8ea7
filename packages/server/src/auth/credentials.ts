import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Prefix of publishable keys; client secrets begin with `sk_`. */
export const PUBLISHABLE_KEY_PREFIX = 'pk_';

const CREDENTIAL_BYTES = 32;

/** Creates a client secret of 256 random bits. */
export function newClientSecret(): string {
  return `sk_${randomBytes(CREDENTIAL_BYTES).toString('base64url')}`;
}

/** Creates a publishable key of 256 random bits. */
export function newPublishableKey(): string {
  return `${PUBLISHABLE_KEY_PREFIX}${randomBytes(CREDENTIAL_BYTES).toString('base64url')}`;
}

/** Hex SHA-256 of a credential. A slow hash would add nothing: 256 random bits cannot be guessed. */
export function hashCredential(credential: string): string {
  return hash('sha256', credential, 'hex');
}

/**
 * Compares a credential with a stored hash in constant time. Without a hash it does the same work and returns false.
 */
export function matchesCredential(credential: string, storedHash: string | undefined): boolean {
  const given = Buffer.from(hashCredential(credential), 'hex');
  const stored = Buffer.from(storedHash ?? '', 'hex');
  const comparable = stored.length === given.length ? stored : Buffer.alloc(given.length);
  return timingSafeEqual(given, comparable) && comparable === stored;
}
