import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import { isRuleset } from '../ruleset/ruleset-shape.ts';
import type { JsonValue, Ruleset } from '../wire.ts';

/** `CryptoKey` by another way: not every set of type libraries declares the name. */
type CryptoKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;

/** Identifies whose values a disk copy holds. A copy with another binding is refused. */
export interface CacheBinding {
  apiUrl: string;
  organizationId: string;
  environment: string;
}

/**
 * Why a disk copy is refused. `unreadable`: the file cannot be read; `damaged`: its content is not a valid disk copy; `other-settings`: it belongs
 * to other settings; `wrong-key`: its secrets are not encrypted with this client secret.
 */
export type CacheRefusal = 'unreadable' | 'damaged' | 'other-settings' | 'wrong-key';

/** What is needed to write and read a disk copy. */
export interface CacheSeal {
  binding: CacheBinding;
  /** Encrypts the secrets. Without it they are neither written nor read. */
  key: CryptoKey | undefined;
}

/** The content of a disk copy. */
export interface CachedRuleset {
  ruleset: Ruleset;
  /** Epoch milliseconds. */
  savedAt: number;
  /** Whether the copy was written with secrets, even if there were none to write. */
  hasSecrets: boolean;
}

interface Envelope {
  format: typeof FORMAT;
  /** A digest of the binding, so that the file does not reveal the URL. */
  binding: string;
  revision: string;
  savedAt: number;
  /** The ruleset without its secrets, as JSON. */
  values: string;
  /** Base64 of nonce and ciphertext; absent if secrets are left out. */
  secrets?: string;
  /** A digest of all fields above. */
  checksum: string;
}

const FORMAT = 'smooai-config-cache-1';
const NONCE_BYTES = 12;

/** Derives the encryption key from the client secret by HKDF (RFC 5869). Each binding gives another key. */
export async function deriveCacheKey(clientSecret: string, binding: CacheBinding): Promise<CryptoKey> {
  const { subtle } = globalThis.crypto;
  const material = await subtle.importKey('raw', utf8(clientSecret), 'HKDF', false, ['deriveKey']);
  const salt = utf8(JSON.stringify(bindingParts(binding)));
  return subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info: utf8(`${FORMAT} secrets`) },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

/** Makes the text of a disk copy. */
export async function sealRuleset(ruleset: Ruleset, seal: CacheSeal, savedAt: number): Promise<string> {
  const { secret, ...rest } = ruleset;
  const binding = await digest(bindingParts(seal.binding));
  const { revision } = ruleset;
  const body = { format: FORMAT, binding, revision, savedAt, values: JSON.stringify(rest) } as const;
  const secrets = seal.key === undefined ? undefined : await encrypt(seal.key, secret, body);
  const complete = { ...body, ...(secrets !== undefined && { secrets }) };
  const envelope: Envelope = { ...complete, checksum: await digest(partsOf(complete)) };
  return JSON.stringify(envelope);
}

/** Reads the text of a disk copy, or returns why it is refused. Nothing of a refused copy is used. */
export async function openRuleset(text: string, seal: CacheSeal): Promise<CachedRuleset | CacheRefusal> {
  const envelope = await readEnvelope(text);
  if (envelope === undefined) return 'damaged';
  if (envelope.binding !== (await digest(bindingParts(seal.binding)))) return 'other-settings';
  let secret: JsonValue = {};
  if (seal.key !== undefined) {
    // A copy without secrets is refused as well: nothing would prove who wrote it.
    const { secrets } = envelope;
    const opened = secrets === undefined ? undefined : await decrypt(seal.key, secrets, envelope);
    if (opened === undefined) return 'wrong-key';
    secret = opened;
  }
  const values = parseJson(envelope.values);
  const ruleset = isRecord(values) ? { ...values, secret } : undefined;
  if (!isRuleset(ruleset)) return 'damaged';
  return { ruleset, savedAt: envelope.savedAt, hasSecrets: envelope.secrets !== undefined };
}

async function readEnvelope(text: string): Promise<Envelope | undefined> {
  const value = parseJson(text);
  if (!isEnvelope(value)) return undefined;
  return value.checksum === (await digest(partsOf(value))) ? value : undefined;
}

function isEnvelope(value: unknown): value is Envelope {
  return (
    isRecord(value) &&
    value.format === FORMAT &&
    ['binding', 'values', 'checksum'].every((name) => typeof value[name] === 'string') &&
    typeof value.revision === 'string' &&
    /^\d+$/.test(value.revision) &&
    typeof value.savedAt === 'number' &&
    (value.secrets === undefined || typeof value.secrets === 'string')
  );
}

function partsOf(envelope: Omit<Envelope, 'checksum'>): unknown[] {
  const { format, binding, revision, savedAt, values, secrets = null } = envelope;
  return [format, binding, revision, savedAt, values, secrets];
}

function bindingParts(binding: CacheBinding): string[] {
  return [binding.apiUrl, binding.organizationId, binding.environment];
}

type Body = Pick<Envelope, 'format' | 'binding' | 'revision' | 'savedAt' | 'values'>;

/** Authenticates the plain values together with the secrets, so that neither can be replaced alone. */
function additionalData({ format, binding, revision, savedAt, values }: Body): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify([format, binding, revision, savedAt, values]));
}

async function encrypt(key: CryptoKey, secret: Ruleset['secret'], body: Body): Promise<string> {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = { name: 'AES-GCM', iv, additionalData: additionalData(body) };
  const sealed = await globalThis.crypto.subtle.encrypt(algorithm, key, utf8(JSON.stringify(secret)));
  return toBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

async function decrypt(key: CryptoKey, secrets: string, body: Body): Promise<JsonValue | undefined> {
  try {
    const bytes = fromBase64(secrets);
    const algorithm = {
      name: 'AES-GCM',
      iv: bytes.subarray(0, NONCE_BYTES),
      additionalData: additionalData(body),
    };
    const opened = await globalThis.crypto.subtle.decrypt(algorithm, key, bytes.subarray(NONCE_BYTES));
    const value = parseJson(new TextDecoder().decode(opened));
    return isRecord(value) ? (value as JsonValue) : undefined;
  } catch {
    return undefined;
  }
}

async function digest(parts: readonly unknown[]): Promise<string> {
  const bytes = await globalThis.crypto.subtle.digest('SHA-256', utf8(JSON.stringify(parts)));
  return toBase64(new Uint8Array(bytes));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
