/** Number of buckets; a weight of one percent owns a hundredth of them. */
export const BUCKETS = 10_000;

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const REPLACEMENT_CHARACTER = 0xfffd;

/** A murmur3 hash of the text so far, ready for more. */
export interface HashState {
  /** The hash of all complete blocks of four bytes. */
  readonly hash: number;
  /** The bytes after the last complete block; the first one is the lowest. */
  readonly tail: number;
  /** Bits of `tail` in use: 0, 8, 16 or 24. */
  readonly tailBits: number;
  /** Bytes so far. */
  readonly length: number;
}

const START: HashState = { hash: 0, tail: 0, tailBits: 0, length: 0 };

/** murmur3_x86_32 of the text's UTF-8 with seed 0, unsigned. A lone surrogate counts as U+FFFD. */
export function murmur3(text: string): number {
  return finish(START, text);
}

/** The bucket of a unit, 0–9999. Evaluations get the same from {@link bucketAfter}, faster. */
export function bucketOf(salt: string, unit: string): number {
  return murmur3(`${salt}:${unit}`) % BUCKETS;
}

/** Hashes `salt + ":"` once, so that {@link bucketAfter} only has to hash the unit. */
export function prepareSalt(salt: string): HashState {
  return absorbUtf8(START, `${salt}:`, 0);
}

/** The bucket of a unit, with a salt from {@link prepareSalt}. Allocates nothing for ASCII. */
export function bucketAfter(salt: HashState, unit: string): number {
  return finish(salt, unit) % BUCKETS;
}

function finish(state: HashState, text: string): number {
  let { hash, tail, tailBits } = state;
  // Four characters at a time. The bytes left over from before shift every block by the same number of bits.
  const whole = text.length & ~3;
  let index = 0;
  for (; index < whole; index += 4) {
    const word = asciiWord(text, index);
    if (word < 0) return finishUtf8({ hash, tail, tailBits, length: state.length + index }, text, index);
    hash = mixBlock(hash, tail | (word << tailBits));
    // A shift by 32 would shift by 0.
    tail = tailBits === 0 ? 0 : word >>> (32 - tailBits);
  }
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return finishUtf8({ hash, tail, tailBits, length: state.length + index }, text, index);
    tail |= code << tailBits;
    tailBits += 8;
    if (tailBits === 32) {
      hash = mixBlock(hash, tail);
      tail = 0;
      tailBits = 0;
    }
  }
  return finalize(hash, tail, state.length + text.length);
}

/** Four characters as the bytes of a word, the first one lowest; negative if one of them is not ASCII. */
function asciiWord(text: string, index: number): number {
  const first = text.charCodeAt(index);
  const second = text.charCodeAt(index + 1);
  const third = text.charCodeAt(index + 2);
  const fourth = text.charCodeAt(index + 3);
  if ((first | second | third | fourth) > 0x7f) return -1;
  return first | (second << 8) | (third << 16) | (fourth << 24);
}

/** Continues at the first character that is not ASCII. Separate, so that the common loops stay small. */
function finishUtf8(state: HashState, text: string, start: number): number {
  const { hash, tail, length } = absorbUtf8(state, text, start);
  return finalize(hash, tail, length);
}

/** The state after the text from `start` on, for any characters. Uses no `TextEncoder`, which not every test runtime has. */
function absorbUtf8(state: HashState, text: string, start: number): HashState {
  let { hash, tail, tailBits, length } = state;
  for (let index = start; index < text.length; index++) {
    const point = scalarAt(text, index);
    if (point > 0xffff) index++;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    length += size;
    for (let position = 0; position < size; position++) {
      tail |= utf8Byte(point, size, position) << tailBits;
      tailBits += 8;
      if (tailBits === 32) {
        hash = mixBlock(hash, tail);
        tail = 0;
        tailBits = 0;
      }
    }
  }
  return { hash, tail, tailBits, length };
}

function scalarAt(text: string, index: number): number {
  const point = text.codePointAt(index) ?? REPLACEMENT_CHARACTER;
  return point >= 0xd800 && point <= 0xdfff ? REPLACEMENT_CHARACTER : point;
}

function utf8Byte(point: number, size: number, position: number): number {
  const bits = point >> (6 * (size - 1 - position));
  if (position > 0) return 0x80 | (bits & 0x3f);
  if (size === 1) return bits;
  return ((0xf00 >> size) & 0xff) | bits;
}

function mixTail(tail: number): number {
  const scaled = Math.imul(tail, C1);
  return Math.imul((scaled << 15) | (scaled >>> 17), C2);
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ mixTail(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finalize(hash: number, tail: number, length: number): number {
  // An empty tail mixes to 0, so no branch is needed.
  let mixed = hash ^ mixTail(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
