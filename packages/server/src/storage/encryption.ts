import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { StorageError } from './storage-error.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 'v1';

/**
 * Seals text with AES-256-GCM under a fresh random nonce. The result reads `v1.<key id>.<nonce, text and tag>`; the key
 * id is derived from the key and tells a wrong key from a damaged text. What a text belongs to (organization,
 * environment, key) is authenticated with it, so that a sealed text copied to another row does not open there.
 */
export class SecretBox {
  /** Eight hex digits that name the key without telling anything of it. */
  readonly keyId: string;
  readonly #key: Buffer;

  /** @throws {StorageError} for a key of another length than 32 bytes. */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) {
      throw new StorageError(
        'ERR_ENCRYPTION_KEY_INVALID',
        `The encryption key has ${key.length} bytes; it needs exactly ${KEY_BYTES}.`,
      );
    }
    this.#key = Buffer.from(key);
    this.keyId = createHmac('sha256', key).update('smooai-config key id').digest('hex').slice(0, 8);
  }

  /** Seals `text` for the place that `binding` names. */
  seal(text: string, binding: readonly string[]): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#associatedData(binding));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${FORMAT}.${this.keyId}.${sealed.toString('base64url')}`;
  }

  /**
   * Opens what `seal` gave for the same `binding`.
   * @throws {StorageError} when it was sealed with another key or for another place, or was changed.
   */
  open(sealed: string, binding: readonly string[]): string {
    const [format, keyId, body, ...rest] = sealed.split('.');
    if (format !== FORMAT || keyId === undefined || body === undefined || rest.length > 0) {
      throw new StorageError('ERR_DECRYPTION_FAILED', 'A sealed text of the database has an unknown format.');
    }
    if (keyId !== this.keyId) {
      throw new StorageError(
        'ERR_ENCRYPTION_KEY_WRONG',
        `A text of the database was sealed with the encryption key ${keyId}; this server has ${this.keyId}.`,
      );
    }
    try {
      return this.#decrypt(Buffer.from(body, 'base64url'), binding);
    } catch (cause) {
      throw new StorageError(
        'ERR_DECRYPTION_FAILED',
        'A sealed text of the database does not open: it was changed or belongs to another row.',
        { cause },
      );
    }
  }

  #decrypt(bytes: Buffer, binding: readonly string[]): string {
    const tagAt = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#associatedData(binding));
    decipher.setAuthTag(bytes.subarray(tagAt));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, tagAt)), decipher.final()]).toString(
      'utf8',
    );
  }

  // JSON keeps ['a', 'bc'] and ['ab', 'c'] apart.
  #associatedData(binding: readonly string[]): Buffer {
    return Buffer.from(JSON.stringify([FORMAT, this.keyId, ...binding]), 'utf8');
  }
}
