import { relative, sep } from 'node:path';
import { OptionsError } from '../errors.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { browserFiles, explainLeak, isCommonWord, type NamesCount, pageOf } from './build-output.ts';
import { filesBelow } from './files-below.ts';
import { type LeakPattern, namePatterns, valuePatterns } from './leak-patterns.ts';
import { FileScanner, type Occurrence } from './scan-file.ts';
import type { SecretValue } from './secret-values.ts';

/** A secret in a file. It never contains the value. */
export interface Leak {
  /** As it was found: below one of the paths. */
  file: string;
  /** From 1. */
  line: number;
  /** In bytes, from 1. */
  column: number;
  /** Key of the schema. */
  key: string;
  kind: 'value' | 'name';
  /** How it is written there. */
  form: LeakPattern['form'];
  /** How it probably got there, and what to do. */
  advice: string;
}

/** An occurrence that is not a leak. */
export interface AllowedLeak {
  /** Key of the schema. */
  key: string;
  /** Default: the name only. */
  kind?: 'value' | 'name' | undefined;
  /** The file's path below the scanned folder, with `/`, or a pattern of such paths. Default: every file. */
  file?: string | RegExp | undefined;
  /** Why it is not a leak, for the next reader. */
  reason: string;
}

/** Options of {@link scanForSecrets}. */
export interface LeakScanOptions {
  config: AnyConfig;
  /** Folders and files, such as `['.next']` or `['dist']`. */
  paths: readonly string[];
  /** From `findSecretValues`. */
  values: readonly SecretValue[];
  allow?: readonly AllowedLeak[] | undefined;
  /** Ends the scan: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The result of {@link scanForSecrets}. */
export interface LeakScanResult {
  /** The first of each secret in each file, as a value and as a name. */
  leaks: Leak[];
  /** Entries of `allow` without a leak: they can be deleted. */
  unusedAllowances: AllowedLeak[];
  files: number;
  bytes: number;
}

/**
 * Searches the output of a build for the values of a schema's secrets (plain, escaped, URL-encoded, Base64, hexadecimal) in
 * all files, and for their quoted names in the files that a browser can get. Memory does not grow with the output.
 *
 * @throws {OptionsError} if a path does not exist, or an entry of `allow` is not valid.
 */
export async function scanForSecrets(options: LeakScanOptions): Promise<LeakScanResult> {
  const { config, paths, values, allow = [], signal } = options;
  checkAllowances(config, allow);
  const named = namePatterns(config);
  const valued = valuePatterns(values);
  const scanners = { all: new FileScanner([...valued, ...named]), values: new FileScanner(valued) };
  const used = new Set<AllowedLeak>();
  const result: LeakScanResult = { leaks: [], unusedAllowances: [], files: 0, bytes: 0 };
  for (const folder of paths) {
    const namesCount: NamesCount = await browserFiles(folder);
    for await (const file of filesBelow(folder)) {
      const scanner = namesCount(file) ? scanners.all : scanners.values;
      const { bytes, found } = await scanner.scan(file, signal);
      result.files += 1;
      result.bytes += bytes;
      for (const leak of found.map((occurrence) => leakOf(file, occurrence))) {
        if (leak.kind === 'name' && isCommonWord(leak.key, file)) continue;
        const allowance = allow.find((entry) => allows(entry, leak, relative(folder, file)));
        if (allowance === undefined) result.leaks.push(leak);
        else used.add(allowance);
      }
    }
  }
  result.unusedAllowances = allow.filter((entry) => !used.has(entry));
  return result;
}

/**
 * Returns leaks as text for a terminal: where each is, what it is, what to do. The files of one page, such as its HTML and its
 * payload, are one entry. Paths are shortened to those below `folder`.
 */
export function formatLeaks(leaks: readonly Leak[], folder: string): string {
  const pages = new Map<string, Leak[]>();
  for (const leak of leaks) {
    const page = `${leak.kind} ${leak.key} ${pageOf(leak.file)}`;
    pages.set(page, [...(pages.get(page) ?? []), leak]);
  }
  return [...pages.values()].map((same) => formatPage(same, folder)).join('\n');
}

function formatPage([first, ...others]: Leak[], folder: string): string {
  if (first === undefined) return '';
  const { file, line, column, key, kind, form, advice } = first;
  const shown = file.startsWith(`${folder}${sep}`) ? file.slice(folder.length + 1) : file;
  const how = kind === 'name' || form === 'plain' ? '' : ` (${form})`;
  const files = others.length === 1 ? '1 more file' : `${others.length} more files`;
  const more = others.length === 0 ? '' : `, also in ${files} of this page`;
  return `${shown}:${line}:${column}: the ${kind} of the secret "${key}"${how}${more}\n  ${advice}`;
}

function leakOf(file: string, { pattern, line, column }: Occurrence): Leak {
  const { key, kind, form } = pattern;
  return { file, line, column, key, kind, form, advice: explainLeak(file, pattern) };
}

function allows({ key, kind = 'name', file }: AllowedLeak, leak: Leak, path: string): boolean {
  if (key !== leak.key || kind !== leak.kind) return false;
  const name = path.split(sep).join('/');
  return file === undefined || (typeof file === 'string' ? file === name : file.test(name));
}

function checkAllowances(config: AnyConfig, allow: readonly AllowedLeak[]): void {
  for (const { key, reason } of allow) {
    if (config.keys.get(key)?.tier !== 'secret') {
      throw new OptionsError(
        'allow',
        `An entry of "allow" names "${key}", which is not a secret in the schema.`,
      );
    }
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new OptionsError(
        'allow',
        `The entry of "allow" for "${key}" needs a "reason", for the next reader.`,
      );
    }
  }
}
