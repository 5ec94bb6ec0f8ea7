import { createCipheriv, createDecipheriv, createHmac, type Hmac, randomBytes } from 'node:crypto';
import { StorageError } from './storage-error.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 96 bits, so that no two texts have the same one by chance. */
const FINGERPRINT_CHARACTERS = 16;
const FORMAT = 'v1';

/**
 * Encrypts ("seals") text with AES-256-GCM and a random nonce. The result is `v1.<key id>.<nonce, text and tag>`. The
 * key id is derived from the key and distinguishes a wrong key from damaged text. The place of a text (organization,
 * environment, key) is authenticated with it, so that sealed text copied to another row does not open there.
 */
export class SecretBox {
  /** Eight hex digits that identify the key and reveal nothing about it. */
  readonly keyId: string;
  readonly #key: Buffer;

  /** @throws {StorageError} if the key does not have 32 bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) {
      throw new StorageError(
        'ERR_ENCRYPTION_KEY_INVALID',
        `The encryption key has ${key.length} bytes; it must have exactly ${KEY_BYTES}.`,
      );
    }
    this.#key = Buffer.from(key);
    this.keyId = createHmac('sha256', key).update('smooai-config key id').digest('hex').slice(0, 8);
  }

  /** Seals `text` for the place that `binding` identifies. */
  seal(text: string, binding: readonly string[]): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#associatedData(binding));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${FORMAT}.${this.keyId}.${sealed.toString('base64url')}`;
  }

  /**
   * Opens text that was sealed for the same `binding`.
   * @throws {StorageError} if it was sealed with another key or for another place, or was changed
   */
  open(sealed: string, binding: readonly string[]): string {
    const [format, keyId, body, ...rest] = sealed.split('.');
    if (format !== FORMAT || keyId === undefined || body === undefined || rest.length > 0) {
      throw new StorageError(
        'ERR_DECRYPTION_FAILED',
        'A sealed text in the database has an unknown format. Restore a backup.',
      );
    }
    if (keyId !== this.keyId) {
      throw new StorageError(
        'ERR_ENCRYPTION_KEY_WRONG',
        `A sealed text in the database needs the encryption key ${keyId}, but this server ` +
          `has ${this.keyId}. Start the server with the right key.`,
      );
    }
    try {
      return this.#decrypt(Buffer.from(body, 'base64url'), binding);
    } catch (cause) {
      throw new StorageError(
        'ERR_DECRYPTION_FAILED',
        'A sealed text in the database cannot be opened: it was changed or belongs to another row. Restore a backup.',
        { cause },
      );
    }
  }

  /**
   * A short name of a text: the same for the same text and key. Without the key it cannot be used to check a guess of the
   * text.
   */
  fingerprint(text: string): string {
    return this.createMac('fingerprint').update(text).digest('base64url').slice(0, FINGERPRINT_CHARACTERS);
  }

  /** Begins a message authentication code, which only the same key and purpose can reproduce. */
  createMac(purpose: string): Hmac {
    return createHmac('sha256', this.#key).update(`smooai-config ${purpose} `);
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

  // As JSON, so that ['a', 'bc'] differs from ['ab', 'c'].
  #associatedData(binding: readonly string[]): Buffer {
    return Buffer.from(JSON.stringify([FORMAT, this.keyId, ...binding]), 'utf8');
  }
}
