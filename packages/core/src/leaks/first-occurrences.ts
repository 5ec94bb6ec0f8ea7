import type { LeakPattern } from './leak-patterns.ts';

/** Where a pattern occurs first in a text. */
export interface FirstOccurrence {
  pattern: LeakPattern;
  /** In bytes, from 0. */
  offset: number;
}

/** Collects the first occurrence of each key in one text, as a value and as a name. */
export class FirstOccurrences {
  readonly #patterns: readonly LeakPattern[];
  readonly #found = new Map<string, FirstOccurrence>();

  constructor(patterns: readonly LeakPattern[]) {
    this.#patterns = patterns;
  }

  /** Adds an occurrence of the pattern with this index. */
  add(index: number, offset: number): void {
    const pattern = this.#patterns[index];
    if (pattern === undefined) return;
    const id = `${pattern.kind} ${pattern.key}`;
    if (offset < (this.#found.get(id)?.offset ?? Number.POSITIVE_INFINITY))
      this.#found.set(id, { pattern, offset });
  }

  all(): Iterable<FirstOccurrence> {
    return this.#found.values();
  }
}
