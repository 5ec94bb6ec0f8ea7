import { relative, sep } from 'node:path';
import { OptionsError } from '../errors.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type AllowedLeak, allows, checkAllowances } from './allowed-leak.ts';
import { explainLeak, isCommonWord, pageOf, readBuildOutput } from './build-output.ts';
import { filesBelow } from './files-below.ts';
import { type LeakPattern, namePatterns, valuePatterns } from './leak-patterns.ts';
import { FileScanner } from './scan-file.ts';
import { SecretDetector } from './secret-detector.ts';
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

/** Options of {@link scanForSecrets}. */
export interface LeakScanOptions {
  config: AnyConfig;
  /** Folders and files, such as `['.next']` or `['dist']`. */
  paths: readonly string[];
  /** From `findSecretValues`. */
  values: readonly SecretValue[];
  allow?: readonly AllowedLeak[] | undefined;
  /** Whether quoted names of secrets are leaks too; default true. Source code of a server has them. */
  names?: boolean | undefined;
  /** The `file` of an entry of `allow` is below this folder if a path is a file; default: the working directory. */
  cwd?: string | undefined;
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
 * all files and their paths, and for their quoted names in the files that a browser can get. Memory does not grow with the output.
 *
 * @throws {OptionsError} if a path does not exist, or an entry of `allow` is not valid.
 */
export async function scanForSecrets(options: LeakScanOptions): Promise<LeakScanResult> {
  const { config, paths, values, allow = [], names = true, cwd = process.cwd(), signal } = options;
  if (!Array.isArray(paths))
    throw new OptionsError('paths', '"paths" must be an array of folders and files.');
  checkAllowances(config, allow);
  const search = new FolderSearch(config, values);
  const used = new Set<AllowedLeak>();
  const result: LeakScanResult = { leaks: [], unusedAllowances: [], files: 0, bytes: 0 };
  for (const folder of paths) {
    const { namesCount, without } = await readBuildOutput(folder);
    for await (const file of filesBelow(folder, without)) {
      const path = relative(folder, file) || relative(cwd, file);
      const { bytes, leaks } = await search.search({
        file,
        path,
        hasNames: names && namesCount(file),
        signal,
      });
      result.files += 1;
      result.bytes += bytes;
      for (const leak of leaks) {
        if (leak.kind === 'name' && isCommonWord(leak.key, file)) continue;
        const allowance = allow.find((entry) => allows(entry, leak, path.split(sep).join('/')));
        if (allowance === undefined) result.leaks.push(leak);
        else used.add(allowance);
      }
    }
  }
  result.unusedAllowances = allow.filter((entry) => !used.has(entry));
  return result;
}

/** A file, and its path below the scanned folder. */
interface SearchedFile {
  file: string;
  path: string;
  /** Whether names of secrets are leaks in it. */
  hasNames: boolean;
  signal: AbortSignal | undefined;
}

/** Searches the contents and the paths of files. */
class FolderSearch {
  readonly #all: FileScanner;
  readonly #values: FileScanner;
  readonly #paths = new SecretDetector();

  constructor(config: AnyConfig, values: readonly SecretValue[]) {
    const patterns = valuePatterns(values);
    this.#all = new FileScanner([...patterns, ...namePatterns(config)]);
    this.#values = new FileScanner(patterns);
    this.#paths.add(values);
  }

  async search({ file, path, hasNames, signal }: SearchedFile): Promise<{ bytes: number; leaks: Leak[] }> {
    const { bytes, found } = await (hasNames ? this.#all : this.#values).scan(file, signal);
    const inPath = this.#paths.stream()(Buffer.from(path));
    // The report must not print the value.
    const shown = inPath.length === 0 ? file : file.slice(0, -path.length) + HIDDEN_PATH;
    const leaks = found.map(({ pattern, line, column }): Leak => {
      const { key, kind, form } = pattern;
      return { file: shown, line, column, key, kind, form, advice: explainLeak(path, pattern) };
    });
    const named = inPath.map(
      (secret): Leak => ({ ...secret, file: shown, line: 1, column: 1, kind: 'value', advice: PATH_ADVICE }),
    );
    return { bytes, leaks: [...named, ...leaks] };
  }
}

const HIDDEN_PATH = '[path with the value]';
const PATH_ADVICE =
  'The path of the file contains it, and so does a URL. Look for the params of a page, or for the name of an asset.';

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
