/** Blocks of two bytes, so that a block's number is an index of this many. */
const BLOCKS = 1 << 16;
const LONGEST_SHIFT = 255;

/**
 * Searches bytes for many patterns in one pass (Wu and Manber, 1994): it looks at two bytes, and then skips up to the length
 * of the shortest pattern. The number of patterns hardly matters.
 */
export class TextSearch {
  /** Length of the longest pattern in bytes; 0 without patterns. */
  readonly longest: number;
  readonly #patterns: readonly Uint8Array[];
  readonly #shortest: number;
  /** By block: how far a window that ends with it can move on. */
  readonly #shifts = new Uint8Array(BLOCKS);
  /** By block: the patterns whose first `#shortest` bytes end with it. */
  readonly #ending = new Map<number, number[]>();

  /** @param patterns - each of at least two bytes. */
  constructor(patterns: readonly Uint8Array[]) {
    const lengths = patterns.map((pattern) => pattern.length);
    if (lengths.some((length) => length < 2)) throw new RangeError('A pattern needs at least two bytes.');
    this.#patterns = patterns;
    this.#shortest = Math.min(...lengths);
    this.longest = Math.max(0, ...lengths);
    if (patterns.length === 0) return;
    this.#shifts.fill(Math.min(this.#shortest - 1, LONGEST_SHIFT));
    for (const [index, pattern] of patterns.entries()) this.#add(pattern, index);
  }

  #add(pattern: Uint8Array, index: number): void {
    for (let end = 1; end < this.#shortest; end++) {
      const block = blockAt(pattern, end);
      const shift = this.#shortest - 1 - end;
      this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, shift);
      if (shift === 0) this.#ending.set(block, [...(this.#ending.get(block) ?? []), index]);
    }
  }

  /** Calls `found` with the index of the pattern and the offset of each occurrence. */
  search(bytes: Uint8Array, found: (pattern: number, offset: number) => void): void {
    if (this.#patterns.length === 0) return;
    for (let end = this.#shortest - 1; end < bytes.length; ) {
      const block = blockAt(bytes, end);
      const shift = this.#shifts[block] ?? 0;
      if (shift === 0) this.#compare(bytes, end - this.#shortest + 1, block, found);
      end += shift || 1;
    }
  }

  #compare(
    bytes: Uint8Array,
    offset: number,
    block: number,
    found: (pattern: number, offset: number) => void,
  ): void {
    for (const index of this.#ending.get(block) ?? []) {
      if (startsWith(bytes, offset, this.#patterns[index])) found(index, offset);
    }
  }
}

function blockAt(bytes: Uint8Array, end: number): number {
  return ((bytes[end - 1] ?? 0) << 8) | (bytes[end] ?? 0);
}

function startsWith(bytes: Uint8Array, offset: number, pattern: Uint8Array | undefined): boolean {
  if (pattern === undefined || offset + pattern.length > bytes.length) return false;
  for (let at = 0; at < pattern.length; at++) if (bytes[offset + at] !== pattern[at]) return false;
  return true;
}
