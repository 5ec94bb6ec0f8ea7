import type { AnyConfig } from '../schema/config-types.ts';
import { type AllowedLeak, allows, checkAllowances } from './allowed-leak.ts';
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
  /** What is not a leak, each with its reason. */
  allow?: readonly AllowedLeak[] | undefined;
}

/**
 * Creates a function for plugins of bundlers, whose output is in memory. It returns the first occurrence of each secret in
 * a text, as a value in every form that `scanForSecrets` knows and as a quoted name. The name of the text's file matters to entries of `allow` that have a `file`.
 *
 * @throws {OptionsError} if an entry of `allow` is not valid.
 */
export function createTextScanner({
  config,
  values,
  allow = [],
}: TextScannerOptions): (text: string | Uint8Array, file?: string) => TextLeak[] {
  checkAllowances(config, allow);
  const patterns = [...valuePatterns(values), ...namePatterns(config)];
  const search = new TextSearch(patterns.map(({ bytes }) => bytes));
  return (text, file = '') => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    const first = new FirstOccurrences(patterns);
    search.search(bytes, (index, offset) => first.add(index, offset));
    const leaks = Array.from(first.all(), ({ pattern: { key, kind, form }, offset }) => {
      const before = bytes.subarray(0, offset);
      return { key, kind, form, line: 1 + before.filter((byte) => byte === 0x0a).length };
    });
    return leaks.filter((leak) => !allow.some((entry) => allows(entry, leak, file)));
  };
}
