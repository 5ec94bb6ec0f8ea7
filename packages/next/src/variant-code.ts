import { createHmac, timingSafeEqual } from 'node:crypto';

/** The code of the variant in which every flag has its default. It needs no signature: it says nothing. */
export const DEFAULT_CODE = 'default';

/** 128 bits: nobody finds a valid code by trying. */
const TAG_BYTES = 16;

/** One byte for each flag, and the mask below is 32 bytes long. */
export const CODE_LIMITS = { keys: 32, values: 256 } as const;

/** What the codes of one list of flags are made of. */
interface CodeFormat {
  /** Names the flags and their possible values. A code of another list is not valid for this one. */
  readonly binding: string;
  /** The number of flags. */
  readonly length: number;
}

/**
 * Returns the code of a variant: for each flag, the position of its value in the list of its possible values. The same
 * variant has the same code, because it is part of a path, and the values cannot be read from it.
 *
 * The code is a MAC of the positions, then the positions under a mask that depends on the MAC (as in SIV, RFC 5297).
 */
export function encodeVariant(positions: readonly number[], format: CodeFormat, secret: string): string {
  if (positions.every((position) => position === 0)) return DEFAULT_CODE;
  const plain = Uint8Array.from(positions);
  const tag = tagOf(plain, format, secret);
  return Buffer.concat([tag, masked(plain, tag, secret)]).toString('base64url');
}

/** Returns the positions of a code; undefined if none of the secrets signed it for these flags. */
export function decodeVariant(
  code: string,
  format: CodeFormat,
  secrets: readonly string[],
): number[] | undefined {
  const bytes = Buffer.from(code, 'base64url');
  // The second check: each variant has one code, or one could fill a cache with spellings of it.
  if (bytes.length !== TAG_BYTES + format.length || bytes.toString('base64url') !== code) return undefined;
  const tag = bytes.subarray(0, TAG_BYTES);
  for (const secret of secrets) {
    const plain = masked(bytes.subarray(TAG_BYTES), tag, secret);
    if (timingSafeEqual(tag, tagOf(plain, format, secret))) return [...plain];
  }
  return undefined;
}

function tagOf(plain: Uint8Array, { binding }: CodeFormat, secret: string): Uint8Array {
  const hmac = createHmac('sha256', secret).update(`variant\n${binding}\n`).update(plain);
  return hmac.digest().subarray(0, TAG_BYTES);
}

function masked(bytes: Uint8Array, tag: Uint8Array, secret: string): Uint8Array {
  const mask = createHmac('sha256', secret).update('mask\n').update(tag).digest();
  return bytes.map((byte, index) => byte ^ (mask[index] ?? 0));
}
