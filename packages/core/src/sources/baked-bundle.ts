import { nodeBuiltin } from '../disk-cache/node-builtin.ts';
import { errorCode, readBytes } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { LayerValues } from '../ruleset/value-layers.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type EnvironmentVariables, processEnvironment } from '../settings.ts';
import type { JsonValue } from '../wire.ts';
import { resolveBundledValues } from './bundled-values.ts';

/**
 * A baked bundle: the public values and secrets of an environment in one encrypted file, made by `smooai-config build` or
 * {@link sealBundle}. It has no flags and limits, so that none is final when it is built.
 */
export interface BundledSealed {
  /** Path of the file, relative to the working directory, or its bytes. */
  bundle: string | Uint8Array;
  /** Default: `SMOO_CONFIG_KEY`, else the content of the file that `SMOO_CONFIG_KEY_FILE` names. */
  key?: string | undefined;
  /**
   * `server` (the default): the server's values replace those of the bundle. `bundle`: the bundle's values replace all
   * others, variables too, as with the platform's own SDKs.
   */
  precedence?: 'server' | 'bundle' | undefined;
}

/** The content of a baked bundle. */
export interface BakedValues {
  public: Readonly<Record<string, JsonValue>>;
  secret: Readonly<Record<string, JsonValue>>;
}

/** `CryptoKey` by another way: not every set of type libraries declares the name. */
type CryptoKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;
type Bytes = Uint8Array<ArrayBuffer>;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_VARIABLE = 'SMOO_CONFIG_KEY';
const KEY_FILE_VARIABLE = 'SMOO_CONFIG_KEY_FILE';

/** Returns a new random key for {@link sealBundle}: 32 bytes in base64. */
export function createBundleKey(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes));
}

/**
 * Encrypts values in the platform's published format: nonce (12 bytes), ciphertext, tag (16 bytes) of AES-256-GCM over the
 * JSON `{ public, secret }`.
 *
 * @throws {OptionsError} if the key is not 32 bytes in base64.
 */
export async function sealBundle(values: BakedValues, key: string): Promise<Uint8Array> {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(values));
  const cryptoKey = await importKey(key, 'AES-GCM');
  const sealed = await globalThis.crypto.subtle.encrypt({ name: 'AES-GCM', iv }, cryptoKey, text);
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), NONCE_BYTES);
  return bytes;
}

/**
 * Decrypts a baked bundle.
 *
 * @param name - what errors call it; default "The bundle".
 * @throws {OptionsError} saying whether the bundle is damaged, belongs to another key, or is something else.
 */
export async function openBundle(bundle: Uint8Array, key: string, name = 'The bundle'): Promise<BakedValues> {
  // A copy, so that the type says that it is not shared memory.
  const bytes = new Uint8Array(bundle);
  if (bytes[0] === 0x7b && isRecord(parseJson(new TextDecoder().decode(bytes)))) {
    throw refused(`${name} is not encrypted. Make one with: smooai-config build.`);
  }
  if (bytes.length < NONCE_BYTES + TAG_BYTES) {
    throw refused(`${name} is damaged: it has ${bytes.length} bytes, fewer than any bundle. Build it again.`);
  }
  const text = await decrypt(bytes, key);
  if (text === undefined) {
    throw (await startsAsJson(bytes, key))
      ? refused(`${name} is damaged: it was cut short or changed after it was built. Build it again.`)
      : refused(`${name} was sealed with another key, or is not a bundle. Check ${KEY_VARIABLE}.`);
  }
  const values = parseJson(text);
  if (isRecord(values) && isRecord(values.public) && isRecord(values.secret)) {
    return { public: values.public, secret: values.secret } as BakedValues;
  }
  throw refused(`${name} is not a bundle: its content is not a JSON object with "public" and "secret".`);
}

/**
 * Returns the key of baked bundles from `SMOO_CONFIG_KEY`, else from the file that `SMOO_CONFIG_KEY_FILE` names; undefined
 * if neither is set.
 *
 * @throws {OptionsError} if that file cannot be read.
 */
export async function readBundleKey(
  env: EnvironmentVariables = processEnvironment(),
): Promise<string | undefined> {
  const key = env[KEY_VARIABLE]?.trim() ?? '';
  if (key !== '') return key;
  const file = env[KEY_FILE_VARIABLE]?.trim() ?? '';
  if (file === '') return undefined;
  return new TextDecoder().decode(await readFile(file, `The key file ${file} (${KEY_FILE_VARIABLE})`)).trim();
}

/**
 * Opens a baked bundle. Keys that the schema does not declare are left out.
 *
 * @throws {OptionsError} if it cannot be read, or is refused as {@link openBundle} says.
 */
export async function readSealedBundle(config: AnyConfig, options: BundledSealed): Promise<LayerValues> {
  const { bundle } = options;
  const name = typeof bundle === 'string' ? `The bundle ${bundle}` : 'The bundle';
  const key = options.key ?? (await readBundleKey());
  if (key === undefined) {
    throw refused(`${name} has no key. Set ${KEY_VARIABLE} or ${KEY_FILE_VARIABLE}, or pass "key".`);
  }
  const bytes = typeof bundle === 'string' ? await readFile(bundle, name) : bundle;
  const { public: values, secret: secrets } = await openBundle(bytes, key, name);
  return resolveBundledValues(config, [{ name, values: { public: values, secrets } }]);
}

async function readFile(file: string, name: string): Promise<Uint8Array> {
  const fs = nodeBuiltin('node:fs/promises');
  if (fs === undefined) {
    throw refused('This runtime has no file system. Pass "bundle" as bytes, and its "key" as a string.');
  }
  try {
    return await readBytes(fs, file);
  } catch (error) {
    throw refused(`${name} cannot be read (${errorCode(error)}).`);
  }
}

async function decrypt(bytes: Bytes, key: string): Promise<string | undefined> {
  const cryptoKey = await importKey(key, 'AES-GCM');
  const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, NONCE_BYTES) };
  try {
    const opened = await globalThis.crypto.subtle.decrypt(algorithm, cryptoKey, bytes.subarray(NONCE_BYTES));
    return new TextDecoder().decode(opened);
  } catch {
    return undefined;
  }
}

/**
 * Whether the key fits although the tag does not, so that an error can tell a damaged file from a wrong key. GCM encrypts in
 * counter mode, and its first block of text has the counter 2 (NIST SP 800-38D §7.1).
 */
async function startsAsJson(bytes: Bytes, key: string): Promise<boolean> {
  const counter = new Uint8Array(16);
  counter.set(bytes.subarray(0, NONCE_BYTES));
  counter[15] = 2;
  const block = bytes.subarray(NONCE_BYTES, NONCE_BYTES + 16);
  const cryptoKey = await importKey(key, 'AES-CTR');
  const algorithm = { name: 'AES-CTR', counter, length: 32 };
  const opened = await globalThis.crypto.subtle.decrypt(algorithm, cryptoKey, block);
  return /^\s*\{\s*"/.test(new TextDecoder().decode(opened));
}

function importKey(key: string, algorithm: 'AES-GCM' | 'AES-CTR'): Promise<CryptoKey> {
  const bytes = keyBytes(key);
  if (bytes?.length !== KEY_BYTES) {
    throw refused(
      `The key of a bundle must be 32 bytes in base64, as smooai-config build prints it. Check ${KEY_VARIABLE}.`,
    );
  }
  return globalThis.crypto.subtle.importKey('raw', bytes, algorithm, false, ['encrypt', 'decrypt']);
}

function keyBytes(key: string): Bytes | undefined {
  try {
    const binary = atob(key.trim().replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function refused(message: string): OptionsError {
  return new OptionsError('bundled', message);
}
