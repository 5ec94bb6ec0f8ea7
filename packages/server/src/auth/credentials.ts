import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a publishable key begins with; a client secret begins with `sk_`. */
export const PUBLISHABLE_KEY_PREFIX = 'pk_';

const CREDENTIAL_BYTES = 32;

/** Makes a client secret of 256 random bits. */
export function newClientSecret(): string {
  return `sk_${randomBytes(CREDENTIAL_BYTES).toString('base64url')}`;
}

/** Makes a publishable key of 256 random bits. */
export function newPublishableKey(): string {
  return `${PUBLISHABLE_KEY_PREFIX}${randomBytes(CREDENTIAL_BYTES).toString('base64url')}`;
}

/** Hex SHA-256 of a credential: enough for random text of 256 bits, which nobody can guess from its hash. */
export function hashCredential(credential: string): string {
  return createHash('sha256').update(credential, 'utf8').digest('hex');
}

/** Compares a credential with a stored hash in constant time; without a hash it does the same work and answers false. */
export function matchesCredential(credential: string, storedHash: string | undefined): boolean {
  const given = Buffer.from(hashCredential(credential), 'hex');
  const stored = Buffer.from(storedHash ?? '', 'hex');
  const comparable = stored.length === given.length ? stored : Buffer.alloc(given.length);
  return timingSafeEqual(given, comparable) && comparable === stored;
}
