import { type LeakPattern, valuePatterns } from './leak-patterns.ts';
import { type SecretValue, secretValues } from './secret-values.ts';
import { TextSearch } from './text-search.ts';

/** A value of a secret that was found in a text. */
export interface DetectedSecret {
  key: string;
  form: LeakPattern['form'];
}

/** Looks for values of secrets in texts that pass through a process, such as responses and logs. */
export class SecretDetector {
  readonly #known = new Set<string>();
  #patterns: LeakPattern[] = [];
  #search: TextSearch = new TextSearch([]);

  /** Adds values to look for. Those that it knows cost nothing. */
  add(values: readonly SecretValue[]): void {
    const added = values.filter(({ key, value }) => !this.#known.has(`${key}\0${value}`));
    if (added.length === 0) return;
    for (const { key, value } of added) this.#known.add(`${key}\0${value}`);
    this.#patterns = [...this.#patterns, ...valuePatterns(added)];
    this.#search = new TextSearch(this.#patterns.map(({ bytes }) => bytes));
  }

  /** Adds a secret as a program reads it: a string, or an object with strings. */
  addRead(key: string, value: unknown): void {
    this.add(secretValues(key, value));
  }

  /** Returns a function that takes the chunks of one text in order, and returns each secret once. */
  stream(): (chunk: Uint8Array) => DetectedSecret[] {
    const reported = new Set<string>();
    let end: Uint8Array = new Uint8Array();
    return (chunk) => {
      const bytes = end.length === 0 ? chunk : Buffer.concat([end, chunk]);
      const found: DetectedSecret[] = [];
      this.#search.search(bytes, (index) => {
        const pattern = this.#patterns[index];
        if (pattern === undefined || reported.has(pattern.key)) return;
        reported.add(pattern.key);
        found.push({ key: pattern.key, form: pattern.form });
      });
      // A copy, because the writer may use its buffer again.
      end = Uint8Array.from(bytes.subarray(Math.max(0, bytes.length - this.#search.longest + 1)));
      return found;
    };
  }
}
