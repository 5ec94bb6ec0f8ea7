import type { AnyConfig } from '../schema/config-types.ts';
import { FirstOccurrences } from './first-occurrences.ts';
import { type LeakPattern, namePatterns, valuePatterns } from './leak-patterns.ts';
import type { SecretValue } from './secret-values.ts';
import { TextSearch } from './text-search.ts';

/** A secret in a text. It never contains the value. */
export interface TextLeak {
  /** Key of the schema. */
  key: string;
  kind: 'value' | 'name';
  /** How it is written there. */
  form: LeakPattern['form'];
  /** From 1. */
  line: number;
}

/** What {@link createTextScanner} looks for. */
export interface TextScannerOptions {
  config: AnyConfig;
  /** From `findSecretValues`. */
  values: readonly SecretValue[];
}

/**
 * Creates a function for plugins of bundlers, whose output is in memory. It returns the first occurrence of each secret in
 * a text, as a value in every form that `scanForSecrets` knows and as a quoted name.
 */
export function createTextScanner({
  config,
  values,
}: TextScannerOptions): (text: string | Uint8Array) => TextLeak[] {
  const patterns = [...valuePatterns(values), ...namePatterns(config)];
  const search = new TextSearch(patterns.map(({ bytes }) => bytes));
  return (text) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    const first = new FirstOccurrences(patterns);
    search.search(bytes, (index, offset) => first.add(index, offset));
    return Array.from(first.all(), ({ pattern: { key, kind, form }, offset }) => {
      const before = bytes.subarray(0, offset);
      return { key, kind, form, line: 1 + before.filter((byte) => byte === 0x0a).length };
    });
  };
}
