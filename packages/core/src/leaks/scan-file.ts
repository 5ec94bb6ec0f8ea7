import { type FileHandle, open } from 'node:fs/promises';
import { notReadable } from './files-below.ts';
import { FirstOccurrences } from './first-occurrences.ts';
import type { LeakPattern } from './leak-patterns.ts';
import { TextSearch } from './text-search.ts';

/** Read at once: a file of any size needs no more memory. */
const CHUNK_BYTES = 1 << 20;

/** One occurrence of a pattern. */
export interface Occurrence {
  pattern: LeakPattern;
  /** From 1. */
  line: number;
  /** In bytes, from 1. */
  column: number;
}

/** Searches files for patterns, one after another, with one buffer. */
export class FileScanner {
  readonly #patterns: readonly LeakPattern[];
  readonly #search: TextSearch;
  readonly #buffer: Uint8Array;

  constructor(patterns: readonly LeakPattern[]) {
    this.#patterns = patterns;
    this.#search = new TextSearch(patterns.map(({ bytes }) => bytes));
    this.#buffer = new Uint8Array(CHUNK_BYTES + this.#search.longest);
  }

  /** Returns the first occurrence of each key, as a value and as a name, and the size of the file in bytes. */
  async scan(path: string, signal?: AbortSignal): Promise<{ bytes: number; found: Occurrence[] }> {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw notReadable(path, error);
    });
    try {
      const first = new FirstOccurrences(this.#patterns);
      const bytes = await this.#scanChunks(file, signal, (index, offset) => first.add(index, offset));
      const found: Occurrence[] = [];
      for (const { pattern, offset } of first.all()) {
        found.push({ pattern, ...(await this.#positionOf(file, offset)) });
      }
      return { bytes, found };
    } finally {
      await file.close();
    }
  }

  async #scanChunks(
    file: FileHandle,
    signal: AbortSignal | undefined,
    found: (pattern: number, offset: number) => void,
  ): Promise<number> {
    // The end of a chunk is searched again with the next one: a pattern may lie across both.
    let kept = 0;
    for (let position = 0; ; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(this.#buffer, kept, CHUNK_BYTES, position);
      if (bytesRead === 0) return position;
      const bytes = this.#buffer.subarray(0, kept + bytesRead);
      const start = position - kept;
      this.#search.search(bytes, (pattern, offset) => found(pattern, start + offset));
      position += bytesRead;
      kept = Math.min(bytes.length, Math.max(0, this.#search.longest - 1));
      this.#buffer.copyWithin(0, bytes.length - kept, bytes.length);
    }
  }

  /** Only a file with a leak is read again, up to it. */
  async #positionOf(file: FileHandle, offset: number): Promise<{ line: number; column: number }> {
    let line = 1;
    let lineStart = 0;
    for (let position = 0; position < offset; ) {
      const length = Math.min(CHUNK_BYTES, offset - position);
      const { bytesRead } = await file.read(this.#buffer, 0, length, position);
      if (bytesRead === 0) break;
      for (let at = 0; at < bytesRead; at++) {
        if (this.#buffer[at] !== 0x0a) continue;
        line += 1;
        lineStart = position + at + 1;
      }
      position += bytesRead;
    }
    return { line, column: offset - lineStart + 1 };
  }
}
